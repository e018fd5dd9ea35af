/**
 * The processor time of this thread that some work takes, in milliseconds: the least of three runs. For ratios of two
 * kinds of work in one run, which a slow or busy machine slows alike.
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
