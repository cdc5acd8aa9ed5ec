/**
 * The words of `runlet kill` with signals as kill(1) takes them: `-9`, `-KILL` and `-SIGKILL`
 * are `--signal=KILL`. They are told from other flags by their capitals.
 */
export function spellOutSignals(words: readonly string[]): readonly string[] {
  if (words[0] !== 'kill') return words;
  const end = words.indexOf('--');
  return words.map((word, i) => {
    const [, name] =
      (end === -1 || i < end ? /^-(\d+|[A-Z][A-Z0-9+-]+)$/ : /^$(.)/).exec(word) ?? [];
    return name === undefined ? word : `--signal=${name}`;
  });
}
