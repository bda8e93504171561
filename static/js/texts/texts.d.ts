/** What scripts say in the page's language, by the English text; by the kind of number where one is counted. */
declare var taskrealtimeTexts: Record<string, string | Record<string, string>> | undefined;
