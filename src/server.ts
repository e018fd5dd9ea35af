import { parseArgs } from 'node:util'
import { describeConfig, explain } from './config.ts'
import { start } from './process/start.ts'

/** The program of the container image. It is configured by its environment alone. */

const { values } = parseArgs({ options: { help: { type: 'boolean', short: 'h' } } })
if (values.help) {
  const variables = explain(describeConfig(), (name) => name)
  process.stdout.write(
    `Kelvin, a sampling sidecar. Environment variables configure it:\n\n${variables}`,
  )
  process.exit(0)
}
await start(process.env)
