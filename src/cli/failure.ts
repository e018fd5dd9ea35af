/** An error outside of the program, such as a missing file. It ends the command with a message and no stack trace. */
export class Failure extends Error {
  readonly exitCode: number

  constructor(message: string, exitCode = 1) {
    super(message)
    this.exitCode = exitCode
  }
}

/** An error in the arguments of the command. */
export const misuse = (message: string) => new Failure(message, 2)
