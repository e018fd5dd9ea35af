import { readFileSync } from 'node:fs'
import { stripTypeScriptTypes } from 'node:module'
import { parentPort, workerData } from 'node:worker_threads'

/**
 * The TypeScript of a page as browsers run it: types become blanks, so lines stay where they are. This
 * is a thread of its own, because it takes a tenth of a second that requests should not wait for.
 */
parentPort!.postMessage(
  (workerData as string[]).map((path) => stripTypeScriptTypes(readFileSync(path, 'utf8'))),
)
