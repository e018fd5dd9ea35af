import cluster from 'node:cluster'
import { type Config, ConfigError, loadConfig } from '../config.ts'
import { claimSocket } from './socket.ts'

type Environment = Record<string, string | undefined>

async function readConfig(environment: Environment): Promise<Config> {
  try {
    const config = loadConfig(environment)
    if (cluster.isPrimary && config.SOCKET_PATH) await claimSocket(config.SOCKET_PATH)
    return config
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    console.error(`Cannot start, because the configuration has errors:\n${error.message}`)
    process.exit(1)
  }
}

/** Serves in this process, or starts workers that do. */
export async function start(environment: Environment): Promise<void> {
  const config = await readConfig(environment)
  // Load only what this process needs: the primary process answers no requests, so it loads no app.
  if (cluster.isPrimary && config.WORKERS > 1) {
    const { superviseWorkers } = await import('./workers.ts')
    superviseWorkers(config)
  } else {
    const { serve } = await import('./serve.ts')
    await serve(config)
  }
}
