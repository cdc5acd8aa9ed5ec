// @ts-check

/**
 * Measures several contenders in turns: a machine gets slower and faster while it is
 * measured, so that only what was measured right after one another can be compared.
 *
 * @template Contender, Value
 * @param {readonly Contender[]} contenders
 * @param {number} rounds how often each is measured
 * @param {(contender: Contender) => Promise<Value>} measure
 * @returns {Promise<Value[][]>} for each contender its value of each round
 */
export async function inTurns(contenders, rounds, measure) {
  const values = contenders.map(() => /** @type {Value[]} */ ([]));
  for (let round = 0; round < rounds; round += 1) {
    for (const [index, contender] of contenders.entries()) {
      values[index]?.push(await measure(contender));
    }
  }
  return values;
}
