using System.Buffers;
using System.Text;
using Comet.AspNetCore.Connections;
using Comet.AspNetCore.Formats;
using Comet.AspNetCore.Stores;

namespace Comet.AspNetCore.Tests.Connections;

/// <summary>The position in all feeds of a stream, as one string.</summary>
public class StreamPositionTests
{
    [Theory]
    [InlineData(1, 1)]
    [InlineData(10, 10)]
    [InlineData(10, 1)]
    [InlineData(100, 100)]
    [InlineData(100, 8)]
    [InlineData(100, 1)]
    public void Each_feed_finds_its_own_again_in_20_bytes_each(int feeds, int logs)
    {
        var random = new Random(feeds + logs);
        var names = Enumerable.Range(0, feeds).Select(static i => new FeedName("rooms", $"{i}")).ToList();
        var positions = names.Select(
            (_, i) => new FeedPosition($"epoch{i % logs:000}", random.Next(4) == 0 ? random.Next(1_000_000) : 500_000 + (i % logs)))
            .ToList();

        var text = StreamPosition.Format(Places(names, positions));

        Assert.InRange(text.Length, 1, 20 * feeds);
        Assert.True(StreamPosition.TryParse(text, out var parsed));
        Assert.Equal(
            positions.Select(static position => (FeedPosition?)position), names.Select((name, i) => parsed.In(name, positions[i].Epoch)));
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(5, 5)]
    [InlineData(5, 2)]
    [InlineData(5, 1)]
    public void A_message_moves_its_own_feed_and_no_other(int feeds, int logs)
    {
        var names = Enumerable.Range(0, feeds).Select(static i => new FeedName("rooms", $"{i}")).ToList();
        var positions = names.Select((_, i) => new FeedPosition($"e{i % logs}", 10 + (i / 2))).ToList();
        for (var own = 0; own < feeds; own++)
        {
            var places = Places(names, positions);
            var output = new ArrayBufferWriter<byte>();
            StreamPosition.WritePrefix(output, [.. places.Where((_, i) => i != own)], places[own]);

            foreach (var offset in new[] { 3, 11, 4711 }) // behind the others, like one of them, before them
            {
                Assert.True(StreamPosition.TryParse(Encoding.ASCII.GetString(output.WrittenSpan) + offset, out var parsed));
                var expected = positions.Select((position, i) => (FeedPosition?)(i == own ? position with { Offset = offset } : position));
                Assert.Equal(expected, names.Select((name, i) => parsed.In(name, positions[i].Epoch)));
            }
        }
    }

    [Fact]
    public void Of_two_feeds_with_one_tag_neither_misses_anything()
    {
        var (left, right) = FindEqualTags();
        var others = Enumerable.Range(0, 3).Select(static i => new FeedName("rooms", $"other {i}")).ToList();
        List<FeedName> names = [left, right, .. others];
        List<FeedPosition> positions = [new("e", 10), new("e", 20), .. others.Select(static _ => new FeedPosition("e", 10))];

        Assert.True(StreamPosition.TryParse(StreamPosition.Format(Places(names, positions)), out var parsed));

        Assert.Equal(new FeedPosition("e", 10), parsed.In(left, "e"));
        Assert.Equal(new FeedPosition("e", 10), parsed.In(right, "e"));
    }

    [Fact]
    public void A_feed_of_another_log_has_none()
    {
        Assert.True(StreamPosition.TryParse("a-1.b-2", out var parsed));
        Assert.Null(parsed.In(new FeedName("news"), "c"));
    }

    private static List<StreamPosition.Place> Places(List<FeedName> names, List<FeedPosition> positions) =>
        [.. names.Zip(positions, static (name, position) => new StreamPosition.Place(position, EncodedFeedName.TagOf(name)))];

    private static (FeedName Left, FeedName Right) FindEqualTags()
    {
        var seen = new Dictionary<string, FeedName>();
        for (var i = 0; ; i++)
        {
            var name = new FeedName("rooms", $"{i}");
            if (!seen.TryAdd(EncodedFeedName.TagOf(name), name))
            {
                return (seen[EncodedFeedName.TagOf(name)], name);
            }
        }
    }
}
