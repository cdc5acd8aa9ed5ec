/**
 * The words of `runlet kill` with signals as kill(1) takes them: `-9`, `-KILL` and `-SIGKILL`
 * are `--signal=KILL`. They are told from other flags by their capitals.
 */
export function spellOutSignals(words: readonly string[]): readonly string[] {
  if (words[0] !== 'kill') return words;
  const end = words.includes('--') ? words.indexOf('--') : words.length;
  return words.map((word, i) =>
    i < end ? word.replace(/^-(\d+|[A-Z][A-Z0-9+-]+)$/, '--signal=$1') : word,
  );
}
