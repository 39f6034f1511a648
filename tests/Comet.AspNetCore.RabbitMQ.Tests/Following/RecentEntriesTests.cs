using Comet.AspNetCore.RabbitMQ.Following;
using Comet.AspNetCore.Stores;

namespace Comet.AspNetCore.RabbitMQ.Tests.Following;

public sealed class RecentEntriesTests
{
    [Fact]
    public void It_has_every_entry_above_its_start_and_knows_who_has_older_ones()
    {
        var random = new Random(1);
        var recent = new RecentEntries(20_000);
        var all = new List<(string Feed, long Offset)>();
        recent.Clear(10);
        for (var offset = 11L; offset < 2000; offset += random.Next(1, 3))
        {
            var feed = $"{random.Next(7)}";
            recent.Add(feed, new FeedEntry(offset, new byte[random.Next(300)], default));
            all.Add((feed, offset));

            var (name, after, max) = ($"{random.Next(7)}", random.NextInt64(0, offset + 5), random.Next(1, 30));
            var found = recent.After(name, after, max, out var through)?.ConvertAll(entry => entry.Offset);
            var expected = all.Where(entry => entry.Feed == name && entry.Offset > after).Select(entry => entry.Offset).ToList();
            if (after < 10 || expected.Exists(expectation => expectation <= recent.Start))
            {
                Assert.Null(found);
                Assert.Equal(after < 10 ? 10 : expected.Last(expectation => expectation <= recent.Start), through);
            }
            else
            {
                Assert.Equal(expected.Take(max), found);
            }
            var newest = all.Where(entry => entry.Feed == name && entry.Offset > recent.Start)
                .Select(entry => entry.Offset)
                .DefaultIfEmpty(recent.Start)
                .Last();
            Assert.Equal(newest, recent.HeadOf(name));
        }
        Assert.True(recent.Start > 1000, "It kept too much.");
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
    public void Older_entries_are_taken_in_as_far_as_they_fit()
    {
        var (older, newer) = (new RecentEntries(1000), new RecentEntries(1000));
        older.Clear(0);
        newer.Clear(10);
        AddAll(older, ("a", 2), ("b", 4), ("a", 6), ("c", 8));
        AddAll(newer, ("b", 11), ("d", 12));

        older.TakeOver(newer);

        Assert.Equal((4, 0), (older.Start, older.KnownFrom)); // four entries of 228 bytes fit
        Assert.Equal([6], OffsetsAfter(older, "a", 2));
        Assert.Equal([11], OffsetsAfter(older, "b", 4));
        Assert.Null(older.After("b", 3, 10, out var through));
        Assert.Equal(4, through);
        Assert.Equal([8], OffsetsAfter(older, "c", 0));
        Assert.Equal([12], OffsetsAfter(older, "d", 0));
    }

    [Fact]
    public void Of_what_does_not_fit_the_newest_offsets_are_kept()
    {
        var (older, recent) = (new RecentEntries(1000), new RecentEntries(0));
        older.Clear(0);
        recent.Clear(10);
        AddAll(older, ("a", 2), ("b", 4), ("a", 6), ("c", 10));
        AddAll(recent, ("b", 11), ("d", 12), ("e", 13));

        recent.AddOlder(older);

        Assert.Equal((12, 0), (recent.Start, recent.KnownFrom));
        Assert.Empty(OffsetsAfter(recent, "a", 6)!);
        Assert.Empty(OffsetsAfter(recent, "x", 0)!);
        Assert.Equal([13], OffsetsAfter(recent, "e", 0));
        foreach (var (feed, newest) in ((string, long)[])[("a", 6), ("b", 11), ("c", 10), ("d", 12)])
        {
            Assert.Null(recent.After(feed, newest - 1, 10, out var through));
            Assert.Equal(newest, through);
        }
    }

    private static void AddAll(RecentEntries recent, params (string Feed, long Offset)[] entries) =>
        Array.ForEach(entries, entry => recent.Add(entry.Feed, new FeedEntry(entry.Offset, new byte[100], default)));

    private static List<long>? OffsetsAfter(RecentEntries recent, string feed, long after) =>
        recent.After(feed, after, 10, out _)?.ConvertAll(entry => entry.Offset);
}
