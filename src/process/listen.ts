import cluster from 'node:cluster'
import { lookup } from 'node:dns/promises'
import { once } from 'node:events'
import { type AddressInfo, createServer, type ListenOptions, type Server } from 'node:net'
import { platform } from 'node:process'
import type { Config } from '../config.ts'
import { admit } from './socket.ts'

/** How many connections may wait to be accepted, as far as the system lets them. A burst brings as many at once. */
const BACKLOG = 4096

/** `localhost` may be two addresses, and a client may try either. */
async function hostsOf({ HOST }: Config): Promise<string[]> {
  if (HOST !== 'localhost') return [HOST]
  const found = await lookup(HOST, { all: true })
  return [...new Set(found.map(({ address }) => address))]
}

function urlOf({ address, port }: AddressInfo, scheme: string): string {
  return `${scheme}://${address.includes(':') ? `[${address}]` : address}:${port}`
}

/** A name may stand for an address that this machine does not have. */
function isAbsent(error: unknown): boolean {
  return ['EADDRNOTAVAIL', 'EAFNOSUPPORT'].includes((error as NodeJS.ErrnoException).code ?? '')
}

/**
 * Workers each have a socket of their own on the port, among which Linux spreads connections evenly. One
 * socket that all accept from gives them to whoever wakes first, which may be the same one every time.
 */
const sharing = cluster.isWorker && platform === 'linux' ? { reusePort: true, exclusive: true } : {}

/**
 * Listens wherever the configuration says, and returns the addresses. The first address is `http`'s
 * own, without which its timeouts would not run; `others` gets a server for each further one, which
 * hands its connections to `http`, so that limits, timeouts and shutdown are the same on all.
 */
export async function listen(config: Config, http: Server, others: Server[]): Promise<string[]> {
  const addresses: string[] = []
  // What comes over the Unix socket has no TLS to be taken off.
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
        // Where any port will do, it is still one port for every address.
        port = address.port
        addresses.push(urlOf(address, config.TLS_CERT_FILE ? 'https' : 'http'))
      } catch (error) {
        if (!isAbsent(error)) throw error
      }
    }
    if (addresses.length === 0) throw new Error(`HOST=${config.HOST} is no address of this machine`)
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
