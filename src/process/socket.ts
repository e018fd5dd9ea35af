import { once } from 'node:events'
import { chmodSync, chownSync, existsSync, lstatSync, unlinkSync } from 'node:fs'
import { connect } from 'node:net'
import { dirname } from 'node:path'
import { type Config, ConfigError } from '../config.ts'

/** Prepares a Unix socket: frees its path before it is bound, and sets its permissions afterwards. */

function refuse(path: string, why: string): never {
  throw new ConfigError(`SOCKET_PATH=${path}: ${why}`)
}

/** Connects to a socket. Returns `answers`, or the code of the error. */
async function knock(path: string): Promise<string> {
  const caller = connect(path)
  try {
    await once(caller, 'connect')
    return 'answers'
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? String(error)
  } finally {
    caller.destroy()
  }
}

/**
 * Frees the path of a socket, in the process that will bind it. It removes a stale socket. It throws if another
 * process listens on the socket, or if the file is not a socket.
 */
export async function claimSocket(path: string): Promise<void> {
  // At first only the owner may connect, so that the socket never admits more clients than its mode allows. The umask
  // stays, because the process creates no other file.
  process.umask(0o177)
  const there = lstatSync(path, { throwIfNoEntry: false })
  if (!there) {
    if (!existsSync(dirname(path))) refuse(path, 'Its directory does not exist')
    return
  }
  if (!there.isSocket())
    refuse(path, 'The file at this path is not a socket; remove it, or choose another path')
  const reply = await knock(path)
  if (reply === 'answers') refuse(path, 'Another process listens on it')
  if (reply === 'ECONNREFUSED') unlinkSync(path)
  else if (reply !== 'ENOENT') refuse(path, `Cannot find out whether it is in use (${reply})`)
}

/** Sets group and mode of a bound socket. The group comes first; otherwise the mode would admit the old group. */
export function admit(path: string, { SOCKET_GROUP, SOCKET_MODE }: Config): void {
  if (SOCKET_GROUP !== undefined) chownSync(path, -1, SOCKET_GROUP)
  chmodSync(path, SOCKET_MODE)
}
