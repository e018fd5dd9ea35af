import type { IncomingHttpHeaders } from 'node:http'
import type { Dispatcher } from 'undici'

/** An answer with its whole body. */
interface Received {
  status: number
  headers: IncomingHttpHeaders
  text: string
}

/** Sends a POST once. This takes less time than `request` of undici, which makes a stream for each answer. */
export function send(
  dispatcher: Dispatcher,
  request: { path: string; headers: Record<string, string>; body: string | Uint8Array },
  signal: AbortSignal,
): Promise<Received> {
  return new Promise((resolve, reject) => {
    let controller: Dispatcher.DispatchController | undefined
    let head: Omit<Received, 'text'>
    const pieces: Buffer[] = []
    function abort() {
      controller?.abort(signal.reason)
      reject(signal.reason)
    }
    signal.addEventListener('abort', abort)
    const handler: Dispatcher.DispatchHandler = {
      onRequestStart(started) {
        controller = started
        // The request may have waited for a connection.
        if (signal.aborted) controller.abort(signal.reason)
      },
      onResponseStart(_, status, headers) {
        head = { status, headers }
      },
      onResponseData(_, piece) {
        pieces.push(piece)
      },
      onResponseEnd() {
        signal.removeEventListener('abort', abort)
        resolve({ ...head, text: Buffer.concat(pieces).toString() })
      },
      onResponseError(_, error) {
        signal.removeEventListener('abort', abort)
        reject(error)
      },
    }
    dispatcher.dispatch({ ...request, method: 'POST' }, handler)
  })
}
