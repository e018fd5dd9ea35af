import { parseArgs } from 'node:util'
import { start, variables } from './process/start.ts'

/** The process of a container: configured by its environment alone. */

const { values } = parseArgs({ options: { help: { type: 'boolean', short: 'h' } } })
if (values.help) {
  process.stdout.write(
    `Kelvin, a sampling sidecar. It is configured by environment variables:\n\n${variables}\n`,
  )
  process.exit(0)
}
await start(process.env)
