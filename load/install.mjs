// @ts-check
/**
 * Builds the tools that are not packages of the system, into .cache/bin:
 *
 *     npm run load:install -- [ghz] [k6]
 */
import { installGoTool } from './lib/go-tool.mjs';
import { GO_TOOLS } from './lib/tools.mjs';

const asked = process.argv.slice(2);
const unknown = asked.find((name) => !(name in GO_TOOLS));
if (unknown !== undefined) {
  process.stderr.write(`load: there is no ${unknown} to build\n`);
  process.exit(2);
}
for (const [name, tool] of Object.entries(GO_TOOLS)) {
  if (asked.length > 0 && !asked.includes(name)) continue;
  process.stderr.write(`load: building ${name} ${tool.version}\n`);
  // One compiler at a time: k6 has some that take a gigabyte each.
  process.stdout.write(`${await installGoTool(tool, { processes: 1 })}\n`);
}
