/** Whether tests that repeat something do so as often as the goal asks: `npm run test:soak`. */
export const SOAK = process.env['TEST_SOAK'] === '1';
