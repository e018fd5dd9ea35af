/**
 * The processor time that some work takes in this thread, in milliseconds: the least of three runs. Tests compare two
 * such times, because a slow or busy machine slows both.
 */
export function spent(work: () => void): number {
  const times = Array.from({ length: 3 }, () => {
    const before = process.threadCpuUsage()
    work()
    const { user, system } = process.threadCpuUsage(before)
    return (user + system) / 1000
  })
  return Math.min(...times)
}
