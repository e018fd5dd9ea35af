import cluster from 'node:cluster'
import { parseArgs } from 'node:util'
import { type Config, ConfigError, describeConfig, loadConfig } from './config.ts'
import { claimSocket } from './process/socket.ts'

/** The process: read the environment, then serve, or start those that do. */

const usage = `Kelvin, a sampling sidecar. It is configured by environment variables:

${describeConfig()
  .map(
    ({ name, fallback, description }) =>
      `  ${name} (${fallback || 'not set'})\n      ${description}`,
  )
  .join('\n')}
`

async function readConfig(): Promise<Config> {
  try {
    const config = loadConfig(process.env)
    if (cluster.isPrimary && config.SOCKET_PATH) await claimSocket(config.SOCKET_PATH)
    return config
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    console.error(`Cannot start; the environment has faults:\n${error.message}`)
    process.exit(1)
  }
}

const { values } = parseArgs({ options: { help: { type: 'boolean', short: 'h' } } })
if (values.help) {
  process.stdout.write(usage)
  process.exit(0)
}

const config = await readConfig()
// Only what is needed is loaded: a process that answers no request holds no app.
if (cluster.isPrimary && config.WORKERS > 1) {
  const { superviseWorkers } = await import('./process/workers.ts')
  superviseWorkers(config)
} else {
  const { serve } = await import('./process/serve.ts')
  await serve(config)
}
