import childProcess from 'node:child_process'
import { syncBuiltinESMExports } from 'node:module'

/** Set up before each file of the fast tier, in which nothing may start a process. */

function refuse(): never {
  throw new Error(
    'A test of the fast tier starts no process. Call its file *.process.test.ts or *.ci.test.ts; see test/README.md.',
  )
}

// All that is asynchronous comes to this method.
Object.assign(childProcess.ChildProcess.prototype, { spawn: refuse })
childProcess.spawnSync = refuse
childProcess.execFileSync = refuse
childProcess.execSync = refuse
syncBuiltinESMExports()
