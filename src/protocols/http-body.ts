import type { IncomingMessage } from 'node:http'
import type { Readable } from 'node:stream'
import { Problem } from '../errors.ts'
import { free } from './byte-queue.ts'
import { contentEncodings, encodingNames, isContentEncoding } from './content-encoding.ts'

/** The length that the head announces; undefined if it announces none or if the body is compressed. Throws beyond the limit. */
export function announcedLength({ headers }: IncomingMessage, limit: number): number | undefined {
  const { 'content-length': length, 'content-encoding': encoding } = headers
  if (Number(length ?? 0) > limit) throw tooLarge(limit)
  return length === undefined || encoding !== undefined ? undefined : Number(length)
}

function tooLarge(limit: number): Problem {
  return new Problem('BODY_TOO_LARGE', `The limit is ${limit} bytes`)
}

/** The body, decompressed if it has an encoding. */
function decoded(request: IncomingMessage, encoding: string): Readable {
  if (encoding === 'identity' || encoding === '') return request
  // RFC 9110 (8.4.1.3) has x-gzip as another name of gzip.
  const name = encoding === 'x-gzip' ? 'gzip' : encoding
  if (!isContentEncoding(name)) {
    const detail = `Cannot read ${JSON.stringify(encoding.slice(0, 32))}: use ${encodingNames.join(' or ')}`
    const problem = new Problem('UNSUPPORTED_ENCODING', detail)
    problem.headers = { 'accept-encoding': encodingNames.join(', ') }
    throw problem
  }
  return request.pipe(contentEncodings[name].decompress())
}

/** Takes a piece of a body. Returns true if it keeps no reference to the piece, so that the piece may be freed. */
export type Push = (piece: Uint8Array) => boolean

/** Hooks of the caller into the reading of a body. */
interface Hooks {
  /** Called after each piece. The next piece is read when the returned promise resolves, or at once if there is none. */
  rest(): Promise<void> | undefined
  /** Called first, with a function that stops reading with an error. */
  onBegin(end: (error: Error) => void): void
}

/**
 * Passes the body of a request to `push`, piece by piece as it arrives. If `push` throws or the body exceeds
 * the limit, the remaining bytes are read and dropped, so that the client can read its answer.
 */
export function readBody(
  request: IncomingMessage,
  limit: number,
  push: Push,
  { rest, onBegin }: Hooks,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const encoding = request.headers['content-encoding']?.trim().toLowerCase() ?? 'identity'
    const body = decoded(request, encoding)
    let length = 0

    function end(error?: Error): void {
      body.off('data', take)
      if (error === undefined) resolve()
      else {
        if (body !== request) {
          request.unpipe()
          body.destroy()
        }
        request.resume()
        reject(error)
      }
    }

    function take(piece: Buffer): void {
      length += piece.length
      try {
        if (length > limit) throw tooLarge(limit)
        // Bodies come at hundreds of megabytes a second. If the garbage collector had to free them, it would scan the heap ten times a second.
        if (push(piece)) free(piece)
      } catch (error) {
        end(error as Error)
        return
      }
      const pause = rest()
      if (!pause) return
      body.pause()
      void pause.then(() => body.resume())
    }

    onBegin(end)
    body.on('data', take)
    body.once('end', () => end())
    body.once('error', (error) => {
      end(
        body === request
          ? error
          : new Problem('INVALID_ENCODING', `Cannot decompress ${encoding}: ${error.message}`),
      )
    })
    request.once('close', () => {
      if (!request.complete) end(incomplete())
    })
  })
}

export function incomplete(): Problem {
  return new Problem('BODY_INCOMPLETE', 'The connection ended before the body did')
}
