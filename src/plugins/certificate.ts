import type { Server } from 'node:https'
import type { FastifyInstance } from 'fastify'
import { type Config, ConfigError } from '../config.ts'
import { followFiles } from '../files.ts'

/** Gives the server its certificate, and a new one when there is one. */
export function registerCertificate(
  app: FastifyInstance,
  { TLS_CERT_FILE, TLS_KEY_FILE }: Config,
): void {
  if (TLS_CERT_FILE === undefined || TLS_KEY_FILE === undefined) return
  const server = app.server as Server
  const use = (cert: string, key: string) => server.setSecureContext({ cert, key })
  try {
    app.addHook('onClose', followFiles([TLS_CERT_FILE, TLS_KEY_FILE], use, app.log))
  } catch (error) {
    throw new ConfigError(`TLS_CERT_FILE=${TLS_CERT_FILE}: ${(error as Error).message}`)
  }
}
