using System.Globalization;

namespace CometBench;

/// <summary>What publishers had confirmed against what each reader got.</summary>
internal sealed class Audit(NumberPublishers publishers, NumberReader[] readers)
{
    private static readonly TimeSpan CatchUp = TimeSpan.FromSeconds(60);

    internal static void Write(string name, object value) =>
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{name,-60} {value,12}"));

    /// <summary>Waits until all readers have the last confirmed message, for a while.</summary>
    internal async Task CatchUpAsync()
    {
        var last = publishers.Confirmed.Values.Max();
        var deadline = DateTime.UtcNow + CatchUp;
        while (readers.Any(reader => reader.Offset < last) && DateTime.UtcNow < deadline)
        {
            await Task.Delay(50);
        }
        await Task.Delay(500); // what is doubled may come late
    }

    /// <returns>Whether nothing was lost, doubled or out of order.</returns>
    internal bool Report()
    {
        var confirmed = publishers.Confirmed;
        var lost = readers.Sum(reader => confirmed.Keys.Except(reader.Numbers).LongCount());
        var doubled = readers.Sum(reader => reader.Numbers.LongCount() - reader.Numbers.Distinct().LongCount());
        var outOfOrder = readers.Sum(reader => reader.OutOfOrder);
        var told = readers.Sum(reader => reader.NotRecovered);
        var differing = readers.Count(reader =>
            !reader.Numbers.SequenceEqual(readers[0].Numbers) || !reader.Offsets.SequenceEqual(readers[0].Offsets));
        var offsets = readers[0].Numbers.Zip(readers[0].Offsets)
            .DistinctBy(pair => pair.First)
            .ToDictionary(pair => pair.First, pair => pair.Second);
        var misplaced = confirmed.Count(pair => offsets.GetValueOrDefault(pair.Key) != pair.Value);
        Write("confirmed", confirmed.Count);
        Write("not confirmed", publishers.Unknown.Count);
        Write("  of them stored", publishers.Unknown.Count(offsets.ContainsKey));
        Write("readers", readers.Length);
        Write("delivered to all readers", readers.Sum(reader => reader.Numbers.LongCount()));
        Write("lost", lost);
        Write("doubled", doubled);
        Write("out of order", outOfOrder);
        Write("told that something is missing", told);
        Write("readers that saw another order or other ids than the first", differing);
        Write("messages with another id than was confirmed", misplaced);
        Write("reconnects", readers.Sum(reader => reader.Connections - 1));
        Write("longest gap of a reader", $"{readers.Max(reader => reader.LongestGap).TotalSeconds:F2} s");
        var holds = lost == 0 && doubled == 0 && outOfOrder == 0 && told == 0 && differing == 0 && misplaced == 0;
        Console.WriteLine(holds ? "Every reader got every confirmed message once, in the one order, with the same ids." : "FAILED");
        Console.WriteLine();
        return holds;
    }
}
