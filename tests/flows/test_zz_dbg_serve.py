import time, json
import pytest
from tests.flows.test_serve import *


@embedded
def test_dbg(stack, connect):
    board = Board(stack, WEBSOCKET_SEND_BUFFER="200000")
    with board.join_without_reading() as slow:
        t = time.time()
        board.write(60)
        print("written", time.time() - t)
        try:
            while True:
                op, p = slow.read_frame()
                print(round(time.time() - t, 2), op, len(p), p[:60])
                if op == 8:
                    break
        except Exception as e:
            print(round(time.time() - t, 2), repr(e), slow.is_cut())
        import subprocess

        print(
            subprocess.run(
                "ss -tnoi 2>/dev/null | grep -A1 :%d" % board.server.port, shell=True, capture_output=True, text=True
            ).stdout
        )
        print(board.server.log())
