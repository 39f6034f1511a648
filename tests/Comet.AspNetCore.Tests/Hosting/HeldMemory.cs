namespace Comet.AspNetCore.Tests.Hosting;

/// <summary>What the process holds while many clients take a large message slowly.</summary>
internal static class HeldMemory
{
    /// <summary>The length of a large message: more than the system keeps for a connection.</summary>
    internal const int LargeMessage = 8_000_000;

    private static readonly TimeSpan Settling = TimeSpan.FromSeconds(1); // what is written in this time is what is held

    internal static long Measure() => GC.GetTotalMemory(forceFullCollection: true);

    /// <summary>
    /// A few copies are held: as JSON, encoded, and in the buffers that encode. A copy for each of those clients would be 320 MB.
    /// </summary>
    internal static async Task IsThatOfAFewLargeMessagesAsync(long before)
    {
        await Task.Delay(Settling, TestContext.Current.CancellationToken);
        var grown = Measure() - before;
        Assert.True(grown < 10L * LargeMessage, $"{grown} bytes more");
    }
}
