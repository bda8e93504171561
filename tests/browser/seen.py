"""What a user sees of a page: an element counts if it is in the window, not covered, and legible."""

from playwright.sync_api import ElementHandle, Locator
from playwright.sync_api import TimeoutError as TookTooLong

from .board import TIMEOUT_MS

#: Contrast that a text needs at least, and a large one; in the notation of WCAG.
CONTRAST, LARGE_CONTRAST = 4.5, 3
#: Pixels that a text needs at least, and from which on it is large.
SMALLEST, LARGE = 11, 24

#: In JavaScript: what keeps a user from seeing an element, or a text in it; "" for nothing.
HIDES = """(element, [text, contrast, largeContrast, smallest, large]) => {
    const colour = (value) => {
        const canvas = new OffscreenCanvas(1, 1).getContext('2d', { willReadFrequently: true });
        canvas.fillStyle = value;
        canvas.fillRect(0, 0, 1, 1);
        const [red, green, blue, alpha] = canvas.getImageData(0, 0, 1, 1).data;
        return [red, green, blue, alpha / 255];
    };
    const over = ([r, g, b, a], below) => [r, g, b].map((one, index) => one * a + below[index] * (1 - a));
    const light = (rgb) => rgb.map((one) => one / 255)
        .map((one) => (one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4))
        .reduce((sum, one, index) => sum + one * [0.2126, 0.7152, 0.0722][index], 0);
    const ancestors = (of) => (of ? [of, ...ancestors(of.parentElement)] : []);

    let box = element.getBoundingClientRect();
    let holder = element;
    const value = element.matches('input, textarea, select') ? element.value : null;
    if (text && value !== null) {
        const shown = element instanceof HTMLSelectElement ? element.selectedOptions[0]?.text ?? '' : value;
        if (!shown.includes(text)) return `it says ${JSON.stringify(shown)}`;
    } else if (text) {
        const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
        let found = null;
        for (let node; !found && (node = walker.nextNode());) {
            const at = node.data.indexOf(text);
            const range = document.createRange();
            if (at < 0) continue;
            range.setStart(node, at);
            range.setEnd(node, at + text.length);
            if (range.getClientRects().length) found = { range, node };
        }
        if (!found) return `it says ${JSON.stringify(element.innerText)}`;
        box = found.range.getClientRects()[0];
        holder = found.node.parentElement;
    }
    const style = getComputedStyle(holder);
    if (!box.width || !box.height) return 'it takes no place';
    if (!holder.checkVisibility({ visibilityProperty: true })) return 'it is hidden';
    const opacity = ancestors(holder).reduce((all, one) => all * Number(getComputedStyle(one).opacity), 1);
    if (opacity < 0.6) return `its opacity is ${opacity}`;
    const [x, y] = [box.left + Math.min(box.width / 2, 200), box.top + Math.min(box.height / 2, 200)];
    if (x < 0 || y < 0 || x >= innerWidth || y >= innerHeight) return `it is at ${Math.round(x)}, ${Math.round(y)}`;
    const top = document.elementFromPoint(x, y);
    const isOver = top && !holder.contains(top) && !top.contains(holder) && top.closest('label')?.control !== holder;
    const clips = top && top !== holder && top.contains(holder) && ancestors(holder).find((one) => {
        const area = one.getBoundingClientRect();
        const isOutside = x < area.left || x > area.right || y < area.top || y > area.bottom;
        return top.contains(one) && isOutside && getComputedStyle(one).overflow !== 'visible';
    });
    if (clips) return `${clips.tagName}.${clips.className} cuts it off`;
    if (!top || isOver) return `${top?.tagName}.${top?.className} lies over it`;
    if (!text) return '';
    const size = parseFloat(style.fontSize);
    if (size < smallest) return `its letters are ${size} px high`;
    const grounds = ancestors(holder).map((one) => colour(getComputedStyle(one).backgroundColor)).reverse();
    const ground = grounds.reduce((below, one) => over(one, below), [255, 255, 255]);
    const [ink, paper] = [light(over(colour(style.color), ground)), light(ground)];
    const ratio = (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05);
    return ratio < (size >= large ? largeContrast : contrast) ? `its contrast is ${ratio.toFixed(2)}` : '';
}"""

#: In JavaScript: what keeps an element, or a part of it, out of the window or of what it is in; "" for nothing.
CUTS_OFF = """element => {
    const { left, top, right, bottom } = element.getBoundingClientRect();
    if (left < 0 || top < 0 || right > innerWidth + 0.5 || bottom > innerHeight + 0.5)
        return `the window: ${[left, top, right, bottom].map(Math.round)}`;
    for (let one = element.parentElement; one && one !== document.body; one = one.parentElement) {
        if (getComputedStyle(one).overflow === 'visible') continue;
        const area = one.getBoundingClientRect();
        if (left < area.left - 0.5 || top < area.top - 0.5 || right > area.right + 0.5 || bottom > area.bottom + 0.5)
            return `${one.tagName}.${one.className}`;
    }
    return '';
}"""


def hides(element: Locator | ElementHandle, text: str = "") -> str:
    """Return what keeps a user from seeing the element, or the text in it, just now; empty: nothing does."""
    found: str = element.evaluate(HIDES, [text, CONTRAST, LARGE_CONTRAST, SMALLEST, LARGE])
    return found


def expect_seen(element: Locator, text: str = "") -> None:
    """Wait until a user sees the element; with a text, until that can be read in it."""
    page = element.page
    element.first.wait_for(state="attached")
    for _ in range(TIMEOUT_MS // 50):
        if not (why := hides(element, text)):
            return
        page.wait_for_timeout(50)
    raise TookTooLong(f"{text or element} is not seen: {why}")


def expect_whole(element: Locator) -> None:
    """Wait until a user sees the element, and nothing cuts a part of it off."""
    expect_seen(element)
    for _ in range(TIMEOUT_MS // 50):
        if not (why := element.evaluate(CUTS_OFF)):
            return
        element.page.wait_for_timeout(50)
    raise TookTooLong(f"{element} is cut off by {why}")
