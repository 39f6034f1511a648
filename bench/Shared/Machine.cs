using System.Globalization;

namespace CometBench;

/// <summary>What the machine does while nothing is measured: figures beside other work are those of the other work.</summary>
internal static class Machine
{
    private const double MaxBusyCores = 0.1;

    private static readonly TimeSpan Period = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    /// <summary>Waits until it is quiet. Elsewhere than on Linux nothing is known of it, and it counts as quiet.</summary>
    /// <returns>How many cores were busy last.</returns>
    /// <exception cref="InvalidOperationException">It stays busy.</exception>
    internal static async Task<double> WaitUntilQuietAsync()
    {
        if (!OperatingSystem.IsLinux())
        {
            return 0;
        }
        for (var waited = TimeSpan.Zero; ; waited += Period)
        {
            var before = BusyTime();
            await Task.Delay(Period);
            var cores = (BusyTime() - before) / Period;
            if (cores <= MaxBusyCores)
            {
                return cores;
            }
            if (waited > Patience)
            {
                throw new InvalidOperationException(string.Create(
                    CultureInfo.InvariantCulture,
                    $"The machine is busy: {cores:0.0} cores are used while nothing is measured. End the other work, and measure again."));
            }
        }
    }

    // Of all cores: user, nice, system, interrupts and what a hypervisor took, in hundredths of a second.
    private static TimeSpan BusyTime()
    {
        var fields = File.ReadLines("/proc/stat").First().Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return TimeSpan.FromMilliseconds(
            10 * ((int[])[1, 2, 3, 6, 7, 8]).Sum(field => long.Parse(fields[field], CultureInfo.InvariantCulture)));
    }
}
