import { readFileSync } from 'node:fs'
import { stripTypeScriptTypes } from 'node:module'
import { parentPort, workerData } from 'node:worker_threads'

/**
 * Replaces the types in the TypeScript of a page with blanks, so that browsers can run it and lines stay in place. It is
 * a thread, because it takes 100 ms, in which the event loop could answer no request.
 */
parentPort!.postMessage(
  (workerData as string[]).map((path) => stripTypeScriptTypes(readFileSync(path, 'utf8'))),
)
