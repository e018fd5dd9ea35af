import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import type { Server } from 'node:https'
import type { FastifyInstance } from 'fastify'
import { type Config, ConfigError } from '../config.ts'
import { followFiles } from '../files.ts'

/** An error of the key, as opposed to the certificate. */
class KeyError extends Error {}

function readKey(key: string): KeyObject {
  try {
    return createPrivateKey(key)
  } catch (error) {
    throw new KeyError(`Expected a private key in PEM without a passphrase: ${error}`)
  }
}

/** OpenSSL accepts an EC key with an RSA certificate, and then every handshake fails. So check it here. */
function checkPair(cert: string, key: string): void {
  // X509Certificate reads the first certificate of a chain, which is that of the server.
  const certificate = new X509Certificate(cert)
  if (certificate.checkPrivateKey(readKey(key))) return
  throw new KeyError('This is not the key of the first certificate in TLS_CERT_FILE')
}

/**
 * Gives the server its certificate, and reloads it when the files change. If one of the two files is replaced
 * before the other, the old pair stays in use until both match.
 */
export function registerCertificate(
  app: FastifyInstance,
  { TLS_CERT_FILE, TLS_KEY_FILE }: Config,
): void {
  if (TLS_CERT_FILE === undefined || TLS_KEY_FILE === undefined) return
  const server = app.server as Server
  function use(cert: string, key: string): void {
    checkPair(cert, key)
    server.setSecureContext({ cert, key })
  }
  try {
    app.addHook('onClose', followFiles([TLS_CERT_FILE, TLS_KEY_FILE], use, app.log))
  } catch (error) {
    const { message, path } = error as NodeJS.ErrnoException
    const isOfKey = error instanceof KeyError || path === TLS_KEY_FILE
    const variable = isOfKey ? `TLS_KEY_FILE=${TLS_KEY_FILE}` : `TLS_CERT_FILE=${TLS_CERT_FILE}`
    throw new ConfigError(`${variable}: ${message}`)
  }
}
