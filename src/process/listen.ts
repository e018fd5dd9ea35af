import cluster from 'node:cluster'
import { lookup } from 'node:dns/promises'
import { once } from 'node:events'
import { type AddressInfo, createServer, type ListenOptions, type Server } from 'node:net'
import { platform } from 'node:process'
import type { Config } from '../config.ts'
import { admit } from './socket.ts'

/** Largest number of connections that wait to be accepted, enough for a burst. The system may set a lower limit. */
const BACKLOG = 4096

/** `localhost` may have an IPv4 and an IPv6 address, and a client may try either. */
async function hostsOf({ HOST }: Config): Promise<string[]> {
  if (HOST !== 'localhost') return [HOST]
  const found = await lookup(HOST, { all: true })
  return [...new Set(found.map(({ address }) => address))]
}

function urlOf({ address, port }: AddressInfo, scheme: string): string {
  return `${scheme}://${address.includes(':') ? `[${address}]` : address}:${port}`
}

/** Whether the machine lacks the address. A name may resolve to such an address. */
function isAbsent(error: unknown): boolean {
  return ['EADDRNOTAVAIL', 'EAFNOSUPPORT'].includes((error as NodeJS.ErrnoException).code ?? '')
}

/**
 * On Linux each worker has its own socket on the port, and the kernel spreads connections evenly. With one shared
 * socket, the worker that wakes first accepts, which may always be the same one.
 */
const sharing = cluster.isWorker && platform === 'linux' ? { reusePort: true, exclusive: true } : {}

/**
 * Listens on the configured addresses, and returns them. `http` itself listens on the first address, because its
 * timeouts run only while it listens. Each further address gets a `net.Server` in `others`. It passes its connections
 * to `http`, so that limits, timeouts and shutdown are the same on all addresses.
 */
export async function listen(config: Config, http: Server, others: Server[]): Promise<string[]> {
  const addresses: string[] = []
  // The Unix socket has no TLS, so its connections skip the TLS handshake of `http`.
  const arrival = ({ path }: ListenOptions) =>
    path !== undefined && config.TLS_CERT_FILE ? 'secureConnection' : 'connection'
  async function open(options: ListenOptions): Promise<Server> {
    const asHttp = { allowHalfOpen: true, noDelay: true }
    const server = http.listening
      ? createServer(asHttp, (socket) => http.emit(arrival(options), socket))
      : http
    server.listen({ backlog: BACKLOG, ...options })
    await once(server, 'listening')
    if (server !== http) others.push(server)
    return server
  }
  if (config.PORT !== null) {
    let port = config.PORT
    for (const host of await hostsOf(config)) {
      try {
        const address = (await open({ host, port, ...sharing })).address() as AddressInfo
        // With port 0, all addresses use the port that the first one got.
        port = address.port
        addresses.push(urlOf(address, config.TLS_CERT_FILE ? 'https' : 'http'))
      } catch (error) {
        if (!isAbsent(error)) throw error
      }
    }
    if (addresses.length === 0)
      throw new Error(`HOST=${config.HOST} is not an address of this machine`)
  }
  if (config.SOCKET_PATH !== undefined) {
    const server = await open({ path: config.SOCKET_PATH })
    try {
      admit(config.SOCKET_PATH, config)
    } catch (error) {
      server.close()
      throw error
    }
    addresses.push(config.SOCKET_PATH)
  }
  return addresses
}
