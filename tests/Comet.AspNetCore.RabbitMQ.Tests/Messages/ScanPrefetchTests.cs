using Comet.AspNetCore.RabbitMQ.Following;
using Comet.AspNetCore.RabbitMQ.Messages;

namespace Comet.AspNetCore.RabbitMQ.Tests.Messages;

public sealed class ScanPrefetchTests
{
    [Theory]
    [InlineData(1, 512)]
    [InlineData(1024, 512)]
    [InlineData(8 * 1024, 64)]
    [InlineData(1024 * 1024, 8)]
    [InlineData(128 * 1024 * 1024, 8)]
    public void Half_a_megabyte_is_sent_ahead_or_a_few_long_messages(int payload, int messages)
    {
        var part = new LogPart(0);
        part.Extend(1, payload);
        part.Extend(2, payload);

        Assert.Equal(messages, ScanPrefetch.For(part.AveragePayload!.Value));
    }

    [Fact]
    public void A_part_without_payloads_tells_nothing()
    {
        var part = new LogPart(0);
        part.Extend(100, payload: 0);

        Assert.Null(part.AveragePayload);
    }
}
