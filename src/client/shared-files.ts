import { randomBytes } from 'node:crypto'
import { closeSync, constants, openSync, unlinkSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { KelvinError } from './error.ts'

const { O_CREAT, O_EXCL, O_RDWR } = constants

/** A file that this client made. */
interface SharedFile {
  readonly name: string
  readonly fd: number
}

function write({ fd }: SharedFile, pieces: readonly Uint8Array[]): void {
  let position = 0
  for (const piece of pieces) {
    for (let done = 0; done < piece.length; ) {
      const count = writeSync(fd, piece, done, piece.length - done, position)
      done += count
      position += count
    }
  }
}

/** Files in a directory that Kelvin reads: one for each call under way. A file grows, and is used again by later calls. */
export class SharedFiles {
  readonly #directory: string
  readonly #most: number
  /** How many more calls may begin. */
  #left: number
  /** Calls that wait for others to end, in order. */
  readonly #waiting = new Set<() => void>()
  readonly #unused: SharedFile[] = []
  #isClosed = false

  /** At most `most` calls have a file at the same time. */
  constructor(directory: string, most: number) {
    this.#directory = directory
    this.#most = most
    this.#left = most
  }

  /** Writes logits into a file, and makes a call with its name. */
  async lend<Answer>(
    logits: readonly Uint8Array[],
    signal: AbortSignal,
    call: (name: string) => Promise<Answer>,
  ): Promise<Answer> {
    await this.#begin(signal)
    let file: SharedFile | undefined
    try {
      file = this.#fill(logits)
      const answer = await call(file.name)
      this.#unused.push(file)
      return answer
    } catch (error) {
      // Kelvin may still read the file, so no other call may write into it.
      if (file) this.#remove(file)
      throw error
    } finally {
      this.#end()
    }
  }

  /** Waits until fewer than `most` calls are under way. */
  #begin(signal?: AbortSignal): Promise<void> | undefined {
    if (this.#left > 0) {
      this.#left--
      return undefined
    }
    return new Promise((resolve, reject) => {
      const begin = () => {
        signal?.removeEventListener('abort', leave)
        resolve()
      }
      const leave = () => {
        this.#waiting.delete(begin)
        reject(signal!.reason)
      }
      this.#waiting.add(begin)
      signal?.addEventListener('abort', leave, { once: true })
    })
  }

  #end(): void {
    if (this.#isClosed) this.#clear()
    const [next] = this.#waiting
    if (!next) this.#left++
    else {
      this.#waiting.delete(next)
      next()
    }
  }

  #fill(logits: readonly Uint8Array[]): SharedFile {
    let file: SharedFile | undefined
    try {
      file = this.#unused.pop() ?? this.#create()
      write(file, logits)
      return file
    } catch (error) {
      if (file) this.#remove(file)
      const detail = `Cannot write logits into ${this.#directory}: ${(error as Error).message}`
      const hint = 'sharedMemory is the directory that Kelvin has as SHARED_MEMORY_DIR'
      throw new KelvinError('SHARED_MEMORY_UNAVAILABLE', `${detail}; ${hint}`, { cause: error })
    }
  }

  #create(): SharedFile {
    const name = `kelvin-${randomBytes(16).toString('hex')}`
    // Only this user may open the file, and no file or link of this name may exist.
    const fd = openSync(join(this.#directory, name), O_RDWR | O_CREAT | O_EXCL, 0o600)
    return { name, fd }
  }

  #remove({ name, fd }: SharedFile): void {
    closeSync(fd)
    try {
      unlinkSync(join(this.#directory, name))
    } catch {} // Somebody else has removed it.
  }

  #clear(): void {
    for (const file of this.#unused.splice(0)) this.#remove(file)
  }

  /** Waits for the calls under way, and removes the files. */
  async close(): Promise<void> {
    const places = Array.from({ length: this.#most }, () => this.#begin())
    await Promise.all(places)
    this.#isClosed = true
    for (const _ of places) this.#end()
  }
}
