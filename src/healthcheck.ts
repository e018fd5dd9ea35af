import { loadConfig } from './config.ts'

/** Exits 0 when the server of this environment takes requests: for HEALTHCHECK and exec probes. */
const { HOST, PORT } = loadConfig(process.env)
const everywhere: Record<string, string> = { '0.0.0.0': '127.0.0.1', '::': '::1' }
const host = everywhere[HOST] ?? HOST
const authority = host.includes(':') ? `[${host}]` : host
const response = await fetch(`http://${authority}:${PORT}/readyz`).catch(() => null)
process.exit(response?.ok ? 0 : 1)
