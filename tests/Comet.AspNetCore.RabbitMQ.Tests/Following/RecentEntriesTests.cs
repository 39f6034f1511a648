using Comet.AspNetCore.RabbitMQ.Following;
using Comet.AspNetCore.Stores;

namespace Comet.AspNetCore.RabbitMQ.Tests.Following;

public sealed class RecentEntriesTests
{
    [Fact]
    public void It_has_every_entry_above_its_start()
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
            var found = recent.After(name, after, max)?.ConvertAll(entry => entry.Offset);
            if (after < recent.Start)
            {
                Assert.Null(found);
            }
            else
            {
                Assert.Equal(all.Where(entry => entry.Feed == name && entry.Offset > after).Select(entry => entry.Offset).Take(max), found);
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
        Assert.Single(recent.After("b", 1, 10)!);
        Assert.Empty(recent.After("a", 1, 10)!);
    }
}
