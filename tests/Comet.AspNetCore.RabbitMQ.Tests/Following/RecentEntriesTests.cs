using Comet.AspNetCore.RabbitMQ.Following;
using Comet.AspNetCore.Stores;

namespace Comet.AspNetCore.RabbitMQ.Tests.Following;

public sealed class RecentEntriesTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void It_has_every_entry_above_its_start_and_knows_who_has_older_ones(int seed)
    {
        const long MaxBytes = 20_000;
        var random = new Random(seed);
        var recent = new RecentEntries(MaxBytes);
        var all = new List<(string Feed, long Offset)>();
        var skipped = 0;
        recent.Clear(10);
        for (var offset = 11L; offset < 2000; offset += random.Next(1, 3))
        {
            var feed = $"{random.Next(7)}";
            recent.Add(feed, new FeedEntry(offset, new byte[random.Next(300)], default));
            all.Add((feed, offset));
            Assert.True(recent.FreeBytes >= 0, $"{-recent.FreeBytes} bytes too many are in memory.");

            var (name, after, max) = ($"{random.Next(9)}", random.NextInt64(0, offset + 5), random.Next(1, 30));
            var found = recent.After(name, after, max, out var missing)?.ConvertAll(entry => entry.Offset);
            var expected = all.Where(entry => entry.Feed == name && entry.Offset > after).Select(entry => entry.Offset).ToList();
            if (found is null)
            {
                Assert.True(missing.After < missing.Through && missing.Through <= recent.Start);
                Assert.DoesNotContain(expected, expectation => expectation <= missing.After);
            }
            else
            {
                Assert.Equal(expected.Take(max), found);
                skipped += after < recent.Start ? 1 : 0;
            }
            var newest = all.Where(entry => entry.Feed == name && entry.Offset > recent.Start)
                .Select(entry => entry.Offset)
                .DefaultIfEmpty(recent.Start)
                .Last();
            Assert.Equal(newest, recent.HeadOf(name));
        }
        Assert.True(recent.Start > 1000, "It kept too much.");
        Assert.True(skipped > 50, "Nobody was taken past what has left the memory.");
    }

    [Fact]
    public void The_newest_entry_stays_whatever_its_size()
    {
        var recent = new RecentEntries(0);
        recent.Add("a", new FeedEntry(1, new byte[100], default));
        recent.Add("b", new FeedEntry(2, new byte[100], default));

        Assert.Equal(1, recent.Start);
        Assert.Single(recent.After("b", 1, 10, out _)!);
        Assert.Empty(recent.After("a", 1, 10, out _)!);
    }

    [Fact]
    public void Older_entries_are_taken_in_if_they_fit()
    {
        var recent = new RecentEntries(1000);
        recent.Clear(10);
        AddAll(recent, ("b", 11), ("d", 12));

        Assert.False(recent.TryAddOlder(0, Entries(("a", 2), ("b", 4), ("a", 6))));
        Assert.True(recent.TryAddOlder(4, Entries(("a", 6), ("b", 8)))); // four entries of 228 bytes fit

        Assert.Equal((4, 4), (recent.Start, recent.Count));
        Assert.Equal([6], OffsetsAfter(recent, "a", 4));
        Assert.Equal([8, 11], OffsetsAfter(recent, "b", 4));
        Assert.Null(recent.After("b", 3, 10, out var missing));
        Assert.Equal((3, 4), missing);
        AddAll(recent, ("b", 13));
        Assert.Equal((8, 3), (recent.Start, recent.Count)); // what it knows of those that have left counts, too
    }

    // Live delivery waits for the same lock meanwhile.
    [Fact]
    public void To_take_in_older_entries_costs_nothing_for_those_that_are_there()
    {
        const int Newer = 50_000;
        const int Older = 500;
        var recent = new RecentEntries(100 << 20);
        recent.Clear(Older);
        AddAll(recent, [.. Enumerable.Range(Older + 1, Newer).Select(offset => ("a", (long)offset))]);

        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var offset = Older; offset > 0; offset--)
        {
            Assert.True(recent.TryAddOlder(offset - 1, Entries(("a", offset))));
        }
        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;

        TestContext.Current.TestOutputHelper?.WriteLine($"{allocated} bytes");
        Assert.InRange(allocated, 1, Newer * 40);
        Assert.Equal(Newer + Older, recent.Count);
        Assert.Equal([1, 2], OffsetsAfter(recent, "a", 0)!.Take(2));
    }

    [Fact]
    public void Of_a_part_that_was_read_it_knows_which_feeds_have_entries()
    {
        var recent = new RecentEntries(1000);
        recent.Clear(10);
        AddAll(recent, ("b", 11), ("d", 12));
        var part = new LogPart(5);
        part.Add("a", 9);
        part.Extend(11, 1);

        recent.Learn(part);

        Assert.Empty(OffsetsAfter(recent, "x", 5)!);
        Assert.Equal([11], OffsetsAfter(recent, "b", 5));
        Assert.Null(recent.After("a", 7, 10, out var missing));
        Assert.Equal((7, 10), missing);
        Assert.Null(recent.After("x", 4, 10, out missing));
        Assert.Equal((4, 5), missing);
    }

    private static List<(string, FeedEntry)> Entries(params (string Feed, long Offset)[] entries) =>
        [.. entries.Select(entry => (entry.Feed, new FeedEntry(entry.Offset, new byte[100], default)))];

    private static void AddAll(RecentEntries recent, params (string Feed, long Offset)[] entries) =>
        Array.ForEach(entries, entry => recent.Add(entry.Feed, new FeedEntry(entry.Offset, new byte[100], default)));

    private static List<long>? OffsetsAfter(RecentEntries recent, string feed, long after) =>
        recent.After(feed, after, 10, out _)?.ConvertAll(entry => entry.Offset);
}
