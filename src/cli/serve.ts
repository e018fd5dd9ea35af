import cluster from 'node:cluster'
import { parseArgs } from 'node:util'
import { describeConfig, explain } from '../config.ts'
import { start } from '../process/start.ts'

/** `kelvin serve` starts the server. It has an option for each variable except secrets, because other users can see options. */

const flags = describeConfig().filter(({ isSecret }) => !isSecret)
const flagOf = (variable: string) => variable.toLowerCase().replaceAll('_', '-')

const usage = () => `Usage: kelvin serve [OPTIONS]

Starts the server, which runs until SIGTERM. Every option is also an environment variable: --port is PORT.
The option wins if both are set.

${explain(flags, (name) => `--${flagOf(name)} VALUE`)}`

export async function run(args: string[], environment: NodeJS.ProcessEnv) {
  const options = Object.fromEntries(
    flags.map(({ name }) => [flagOf(name), { type: 'string' } as const]),
  )
  const { values } = parseArgs({
    args,
    options: { ...options, help: { type: 'boolean', short: 'h' } },
  })
  if (values.help) {
    process.stdout.write(usage())
    return 0
  }
  // A worker gets its environment from the primary process, which may have set a variable, such as PORT.
  if (cluster.isPrimary) {
    for (const { name } of flags) {
      const value = (values as Record<string, unknown>)[flagOf(name)]
      if (typeof value === 'string') environment[name] = value
    }
  }
  await start(environment)
  return undefined
}
