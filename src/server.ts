import { parseArgs } from 'node:util'
import closeWithGrace from 'close-with-grace'
import { buildApp } from './app.ts'
import { type Config, ConfigError, describeConfig, loadConfig } from './config.ts'

/** The process: read the environment, listen, and end when asked to, after what is under way. */

const usage = `Kelvin, a sampling sidecar. It is configured by environment variables:

${describeConfig()
  .map(({ name, fallback, description }) => `  ${name} (${fallback})\n      ${description}`)
  .join('\n')}
`

function readConfig(): Config {
  try {
    return loadConfig(process.env)
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

const config = readConfig()
const app = await buildApp(config)
closeWithGrace({ delay: config.SHUTDOWN_TIMEOUT_MS, logger: app.log }, async ({ signal, err }) => {
  if (err) app.log.fatal({ err }, 'ending after an error')
  else app.log.info({ signal }, 'ending after the requests under way')
  await app.close()
})
try {
  await app.listen({ port: config.PORT, host: config.HOST })
} catch (error) {
  app.log.fatal({ err: error }, 'cannot listen')
  process.exit(1)
}
