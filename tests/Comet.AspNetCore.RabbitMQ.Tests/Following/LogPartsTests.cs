using Comet.AspNetCore.RabbitMQ.Following;

namespace Comet.AspNetCore.RabbitMQ.Tests.Following;

public sealed class LogPartsTests
{
    private const int End = 400;

    private readonly LogParts _parts = new();

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Nothing_is_passed_over_that_was_not_read(int seed)
    {
        var random = new Random(seed);
        var feeds = Enumerable.Range(0, End + 1).Select(_ => $"{random.Next(40)}").ToArray();
        var known = new bool[End + 1];
        for (var step = 0; step < 300; step++)
        {
            var from = random.Next(End);
            var to = Math.Min(End, from + random.Next(1, 60));
            switch (random.Next(20))
            {
                case 0:
                    _parts.ForgetAbove(to);
                    Array.Fill(known, false, to + 1, End - to);
                    break;
                default:
                    _parts.Add(Read(from, to));
                    Array.Fill(known, true, from + 1, to - from);
                    break;
            }

            var (feed, after) = ($"{random.Next(41)}", random.Next(End));
            var (missingAfter, missingThrough) = _parts.Find(feed, after, End);
            for (var offset = after + 1; offset <= missingAfter; offset++)
            {
                Assert.True(known[offset] && feeds[offset] != feed, $"Seed {seed}: {offset} was passed over.");
            }
            Assert.True(missingAfter == End || missingThrough > missingAfter);
        }
        Assert.InRange(_parts.Bytes, 1, End * 1000);

        LogPart Read(long after, long through)
        {
            var part = new LogPart(after);
            for (var offset = after + 1; offset <= through; offset++)
            {
                part.Add(feeds[(int)offset], offset);
                part.Extend(offset, 1);
            }
            return part;
        }
    }

    [Fact]
    public void A_feed_without_entries_is_taken_past_all_that_is_known()
    {
        _parts.Add(Part(0, 10, "a", LogPart.MaxBytes));
        _parts.Add(Part(20, 30, "b"));
        _parts.Add(Part(10, 20, "c", LogPart.MaxBytes));
        _parts.Append("d", after: 30, offset: 35, payload: 1);

        Assert.Equal((35, 35), _parts.Find("x", 3, 35));
        Assert.Equal((3, 10), _parts.Find("a", 3, 35));
        Assert.Equal((20, 35), _parts.Find("b", 3, 35));
        Assert.Equal((29, 35), _parts.Find("b", 29, 35));
        Assert.Equal((30, 35), _parts.Find("d", 30, 35));
        Assert.Equal((35, 40), _parts.Find("x", 3, 40));
    }

    [Fact]
    public void Small_parts_that_follow_each_other_become_one()
    {
        for (var after = 0; after < LogPart.MaxMessages; after += 4)
        {
            _parts.Add(Part(after, after + 4, "a"));
        }

        Assert.InRange(_parts.Bytes, 1, 1000);
        Assert.Equal((5, LogPart.MaxMessages), _parts.Find("a", 5, LogPart.MaxMessages));
        Assert.Equal((LogPart.MaxMessages, LogPart.MaxMessages), _parts.Find("b", 5, LogPart.MaxMessages));
    }

    [Fact]
    public void The_oldest_parts_leave_first()
    {
        _parts.Add(Part(0, 10, "a", LogPart.MaxBytes));
        var one = _parts.Bytes;
        _parts.Add(Part(10, 20, "a", LogPart.MaxBytes));
        _parts.Add(Part(20, 30, "a", LogPart.MaxBytes));
        Assert.Equal(3 * one, _parts.Bytes);

        _parts.Shrink((3 * one) - 1);

        Assert.Equal(2 * one, _parts.Bytes);
        Assert.Equal((5, 10), _parts.Find("x", 5, 30));
        _parts.ForgetThrough(25);
        Assert.Equal((5, 20), _parts.Find("x", 5, 30));
        Assert.Equal(one, _parts.Bytes);
        _parts.ForgetThrough(30);
        Assert.Equal(0, _parts.Bytes);
    }

    [Fact]
    public void A_feed_costs_eight_bytes_in_each_part()
    {
        const int Feeds = 100_000;
        for (var feed = 0; feed < Feeds; feed++)
        {
            _parts.Append($"{feed}", feed, feed + 1, payload: 100);
        }

        Assert.InRange(_parts.Bytes, Feeds * 8, Feeds * 8.4);
    }

    [Fact]
    public void A_feed_without_newer_entries_in_a_part_is_taken_past_it()
    {
        var part = new LogPart(100);
        foreach (var (feed, offset) in ((string, long)[])[("a", 110), ("b", 120), ("a", 130), ("c", 140)])
        {
            part.Add(feed, offset);
            part.Extend(offset, 1);
        }
        _parts.Add(part);

        Assert.Equal((129, 140), _parts.Find("a", 129, 150));
        Assert.Equal((140, 150), _parts.Find("a", 130, 150));
        Assert.Equal((119, 140), _parts.Find("b", 119, 150));
        Assert.Equal((140, 150), _parts.Find("b", 120, 150));
    }

    // Its last message is its newest entry.
    private static LogPart Part(long after, long through, string feed, long payload = 1)
    {
        var part = new LogPart(after);
        part.Add(feed, through);
        part.Extend(through, (int)payload);
        return part;
    }
}
