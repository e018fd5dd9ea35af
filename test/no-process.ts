import childProcess from 'node:child_process'
import { syncBuiltinESMExports } from 'node:module'

/** Setup of the fast tier: a test that starts a process fails. */

function refuse(): never {
  throw new Error(
    'A test of the fast tier starts no process. Call its file *.process.test.ts or *.ci.test.ts; see test/README.md.',
  )
}

// All asynchronous functions of node:child_process call this method.
Object.assign(childProcess.ChildProcess.prototype, { spawn: refuse })
childProcess.spawnSync = refuse
childProcess.execFileSync = refuse
childProcess.execSync = refuse
syncBuiltinESMExports()
