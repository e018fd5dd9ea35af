import { parseArgs } from 'node:util'
import { describeConfig, explain } from './config.ts'
import { start } from './process/start.ts'

/** The process of a container: configured by its environment alone. */

const { values } = parseArgs({ options: { help: { type: 'boolean', short: 'h' } } })
if (values.help) {
  const variables = explain(describeConfig(), (name) => name)
  process.stdout.write(
    `Kelvin, a sampling sidecar. It is configured by environment variables:\n\n${variables}`,
  )
  process.exit(0)
}
await start(process.env)
