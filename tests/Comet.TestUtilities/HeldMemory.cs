namespace Comet.TestUtilities;

/// <summary>What the process holds. Tests that ask for it run alone.</summary>
public static class HeldMemory
{
    /// <summary>The length of a large message: more than the system keeps for a connection.</summary>
    public const int LargeMessage = 8_000_000;

    /// <summary>How often what is measured is done.</summary>
    public const int Rounds = 5;

    private static readonly TimeSpan Settling = TimeSpan.FromSeconds(1); // what is written in this time is what is held

    /// <summary>The bytes that are held after a collection.</summary>
    public static long Measure() => GC.GetTotalMemory(forceFullCollection: true);

    /// <summary>
    /// The median of what rounds add. What tests before this one have left is collected during any of them, as pools of arrays
    /// are trimmed by age.
    /// </summary>
    /// <param name="round">What is measured. It is given the number of its round, from 0.</param>
    public static async Task<long> MedianGrowthAsync(Func<int, Task> round)
    {
        var grown = new long[Rounds];
        for (var i = 0; i < Rounds; i++)
        {
            var before = Measure();
            await round(i);
            grown[i] = Measure() - before;
        }
        return grown.Order().ElementAt(Rounds / 2);
    }

    /// <summary>
    /// A few copies are held: as JSON, encoded, and in the buffers that encode. A copy for each of those clients would be 320 MB.
    /// </summary>
    public static async Task IsThatOfAFewLargeMessagesAsync(long before)
    {
        await Task.Delay(Settling, TestContext.Current.CancellationToken);
        var grown = Measure() - before;
        Assert.True(grown < 10L * LargeMessage, $"{grown} bytes more");
    }
}
