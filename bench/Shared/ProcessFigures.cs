using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;

namespace CometBench;

/// <summary>CPU time and memory of another process.</summary>
internal static class ProcessFigures
{
    /// <summary>All threads, user and system. Nanoseconds on Linux; elsewhere as fine as the system counts (Windows: 16 ms).</summary>
    internal static TimeSpan CpuTime(Process process)
    {
        if (OperatingSystem.IsLinux())
        {
            // The clock id of another process: see clock_getcpuclockid(3).
            var clock = (~process.Id << 3) | 2;
            if (clock_gettime(clock, out var time) == 0)
            {
                return TimeSpan.FromTicks((time.Seconds * TimeSpan.TicksPerSecond) + (time.Nanoseconds / TimeSpan.NanosecondsPerTick));
            }
        }
        process.Refresh();
        return process.TotalProcessorTime;
    }

    /// <summary>Bytes: on Linux the share of the memory that is the process's own (PSS), elsewhere its private bytes.</summary>
    internal static long Memory(Process process)
    {
        if (OperatingSystem.IsLinux())
        {
            foreach (var line in File.ReadLines($"/proc/{process.Id}/smaps_rollup"))
            {
                if (line.StartsWith("Pss:", StringComparison.Ordinal))
                {
                    return 1024 * long.Parse(line.AsSpan(4).Trim().TrimEnd("kB").Trim(), CultureInfo.InvariantCulture);
                }
            }
        }
        process.Refresh();
        return process.PrivateMemorySize64;
    }

    /// <summary>Bytes that are in memory now, and the most that ever were.</summary>
    internal static (long Now, long Peak) Resident(Process process)
    {
        process.Refresh();
        return (process.WorkingSet64, process.PeakWorkingSet64);
    }

    [DllImport("libc")]
    private static extern int clock_gettime(int clock, out Timespec time);

    [StructLayout(LayoutKind.Sequential)]
    private struct Timespec
    {
        internal long Seconds;
        internal long Nanoseconds;
    }
}
