namespace CometBench.Load.Servers;

/// <summary>How many connections one process may have. The runtime raises the soft limit to the hard one when it starts.</summary>
internal static class DescriptorLimit
{
    private const int OtherDescriptors = 300;

    internal static int Cap(int connections)
    {
        if (!OperatingSystem.IsLinux())
        {
            return connections;
        }
        var line = File.ReadLines("/proc/self/limits").First(line => line.StartsWith("Max open files", StringComparison.Ordinal));
        if (!int.TryParse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[3], out var limit) ||
            connections <= limit - OtherDescriptors)
        {
            return connections;
        }
        Console.Error.WriteLine(
            $"{limit - OtherDescriptors} connections instead of {connections}: a process may open {limit} files here (ulimit -n).");
        return limit - OtherDescriptors;
    }
}
