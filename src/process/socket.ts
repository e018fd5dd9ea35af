import { once } from 'node:events'
import { chmodSync, chownSync, existsSync, lstatSync, unlinkSync } from 'node:fs'
import { connect } from 'node:net'
import { dirname } from 'node:path'
import { type Config, ConfigError } from '../config.ts'

/** What a Unix socket needs around it: a free path before it is bound, and its permissions after. */

function refuse(path: string, why: string): never {
  throw new ConfigError(`SOCKET_PATH=${path}: ${why}`)
}

/** What connecting to a socket says: `answers`, or the code of the error. */
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
 * Makes way for a socket, in the process that will bind it: one that a crash left there is removed;
 * one in use, and what is not a socket, is a fault.
 */
export async function claimSocket(path: string): Promise<void> {
  // Bound as its owner's alone, a socket is never open to more than its mode says, not even before
  // that is set. It is the only file there will be, so this is not taken back.
  process.umask(0o177)
  const there = lstatSync(path, { throwIfNoEntry: false })
  if (!there) {
    if (!existsSync(dirname(path))) refuse(path, 'Its directory does not exist')
    return
  }
  if (!there.isSocket())
    refuse(path, 'A file that is not a socket has this path; remove it, or choose another path')
  const reply = await knock(path)
  if (reply === 'answers') refuse(path, 'Another process listens on it')
  if (reply === 'ECONNREFUSED') unlinkSync(path)
  else if (reply !== 'ENOENT') refuse(path, `Cannot find out whether it is in use (${reply})`)
}

/** Opens a bound socket to its group and to whom its mode admits. The group first: it must not be the old one's. */
export function admit(path: string, { SOCKET_GROUP, SOCKET_MODE }: Config): void {
  if (SOCKET_GROUP !== undefined) chownSync(path, -1, SOCKET_GROUP)
  chmodSync(path, SOCKET_MODE)
}
