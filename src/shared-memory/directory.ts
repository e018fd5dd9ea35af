import { closeSync, constants, fstatSync, lstatSync, openSync, readSync, writeSync } from 'node:fs'

/** Files of the directory through which clients share memory. Each file is opened by its plain name. */

const { O_RDONLY, O_RDWR, O_NOFOLLOW, O_NONBLOCK } = constants

/** Longest name of a file on Linux, in bytes. */
const LONGEST_NAME = 255

/** Throws an error that names its place in the request. */
export type Fault = (detail: string) => never

/** An open file. */
export interface SharedFile {
  readonly fd: number
  readonly isWritable: boolean
}

/** The name of a file, without the slash that `shm_open` allows in front of it. */
function plainName(given: string, fault: Fault): string {
  const name = given.startsWith('/') ? given.slice(1) : given
  const isPlain = name !== '' && name !== '.' && name !== '..' && !/[/\0]/.test(name)
  if (isPlain && Buffer.byteLength(name) <= LONGEST_NAME) return name
  return fault('Expected the name of a file in SHARED_MEMORY_DIR, without a path')
}

/** Errors of `open` that are faults of this process, not of the file. */
const own = new Set(['EMFILE', 'ENFILE', 'ENOMEM'])

const codeOf = (error: unknown) => (error as NodeJS.ErrnoException).code ?? ''

/** Opens a path for reading, and for writing too if `mayWrite` and the permissions allow it. Returns undefined if it cannot. */
function open(path: string, mayWrite: boolean): SharedFile | undefined {
  // Do not follow a link out of the directory, and do not wait for the other end of a pipe.
  const flags = (mayWrite ? O_RDWR : O_RDONLY) | O_NOFOLLOW | O_NONBLOCK
  try {
    return { fd: openSync(path, flags), isWritable: mayWrite }
  } catch (error) {
    if (own.has(codeOf(error))) throw error
    return mayWrite ? open(path, false) : undefined
  }
}

function isRegular(path: string): boolean {
  try {
    return lstatSync(path).isFile()
  } catch {
    return false
  }
}

/** Opens a regular file. The error is the same whatever else the name stands for, so that it tells nothing about other files. */
export function openFile(
  directory: string,
  given: string,
  mayWrite: boolean,
  fault: Fault,
): SharedFile {
  const path = `${directory}/${plainName(given, fault)}`
  // Opening a pipe or a device has effects, so look first. What the name stands for may change until it is open.
  const file = isRegular(path) ? open(path, mayWrite) : undefined
  if (file) {
    if (fstatSync(file.fd).isFile()) return file
    closeSync(file.fd)
  }
  return fault(
    `Cannot open ${JSON.stringify(given)}: expected a regular file in SHARED_MEMORY_DIR that Kelvin may read`,
  )
}

/** Checks that a file has the bytes from `from` to `end`. */
export function checkSize({ fd }: SharedFile, from: number, end: number, fault: Fault): void {
  const { size } = fstatSync(fd)
  if (end > size)
    fault(
      `Expected a file of at least ${end} bytes, got ${size}: ${end - from} bytes are used from byte ${from} on`,
    )
}

/** Fills `target` with the bytes of a file from `position` on. The file may have become shorter since its size was checked. */
export function readFile(
  { fd }: SharedFile,
  position: number,
  target: Uint8Array,
  fault: Fault,
): void {
  for (let done = 0; done < target.length; ) {
    const count = readSync(fd, target, done, target.length - done, position + done)
    if (count === 0) {
      fault(
        `The file ends at byte ${position + done}, and ${target.length} bytes are read from byte ${position} on`,
      )
    }
    done += count
  }
}

/** Errors of a write to a file system that is full. */
const full = new Set(['ENOSPC', 'EDQUOT', 'EFBIG'])

export function writeFile(
  { fd }: SharedFile,
  position: number,
  bytes: Uint8Array,
  fault: Fault,
): void {
  try {
    for (let done = 0; done < bytes.length; ) {
      done += writeSync(fd, bytes, done, bytes.length - done, position + done)
    }
  } catch (error) {
    if (!full.has(codeOf(error))) throw error
    fault(`No space is left for ${bytes.length} bytes of the file: make room in SHARED_MEMORY_DIR`)
  }
}
