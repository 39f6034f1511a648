using System.Text;
using Comet.AspNetCore.RabbitMQ.Messages;
using Comet.AspNetCore.RabbitMQ.Stores;
using Comet.AspNetCore.RabbitMQ.Tests.Hosting;
using Comet.AspNetCore.Stores;
using Comet.TestUtilities.Conformance;
using Microsoft.Extensions.Logging;
using RabbitMQ.Client;

namespace Comet.AspNetCore.RabbitMQ.Tests;

/// <summary>Messages in a RabbitMQ stream that no server of the app can have published.</summary>
public sealed class ForeignMessagesTests(Broker broker)
{
    private readonly string _feed = Server.NewName();

    public static TheoryData<string, object?> Headers { get; } = new()
    {
        { "comet-time", long.MaxValue },
        { "comet-time", long.MinValue },
        { "comet-time", 253_402_300_800_000 }, // the year 10000
        { "comet-time", "2026-11-26" },
        { "comet-time", 1.5 },
        { "comet-time", null },
        { "comet-floor", long.MaxValue },
        { "comet-floor", long.MinValue },
        { "comet-floor", -2L },
        { "comet-floor", true },
        { "comet-floor", null },
        { "comet-publisher", "7" },
        { "comet-publisher", null },
        { "comet-sequence", 7 },
        { "comet-sequence", null },
        { "comet-epoch", 7L },
        { "comet-epoch", "an epoch" },
        { "comet-epoch", new string('a', 10_000) },
        { "comet-feed", 7L },
        { "comet-feed", "" },
        { "comet-feed", new string('a', 10_000) },
        { "comet-feed", new byte[] { 0xff, 0xfe } },
        { "comet-begins", "yes" },
        { "comet-completes", "yes" },
    };

    [Theory]
    [MemberData(nameof(Headers))]
    public void A_message_with_a_header_of_another_form_is_no_message_of_a_feed(string header, object? value)
    {
        var properties = NewMessage(1, "0123456789").ToProperties();
        Assert.False(Read(properties).IsForeign);

        Assert.True(Read(With(properties, header, value)).IsForeign);
        Assert.Null(Read(properties).Feed);

        static RabbitMQMessage Read(BasicProperties properties)
        {
            properties.Headers = properties.Headers!.ToDictionary(
                pair => pair.Key, pair => pair.Value is string text ? Encoding.UTF8.GetBytes(text) : pair.Value);
            properties.Headers["x-stream-offset"] = 9L;
            var message = RabbitMQMessage.Read(properties, default);
            Assert.Equal(9, message.Offset);
            return message;
        }
    }

    [Fact]
    public async Task Messages_of_another_form_hold_nobody_up_and_are_told_once()
    {
        var messages = new RecordedLog();
        await using var first = await StartAsync(messages);
        var tail = new RecordingTail();
        await using var log = await first.OpenAsync(_feed, tail);
        var known = await log.AppendAsync("1");

        await using var raw = await RawStream.OpenAsync(broker, RabbitMQStreamName.Of(FeedName.Parse(_feed), new RabbitMQStoreOptions()));
        await raw.WriteAsync(new BasicProperties(), default);
        var sequence = 0L;
        foreach (var (header, value) in Headers.Select(row => row.Data))
        {
            var foreign = NewMessage(++sequence, known.Epoch) with { Floor = known.Offset - 1 };
            await raw.WriteAsync(With(foreign.ToProperties(), header, value), Payloads.Of("0"));
        }
        await log.AppendAsync("2");

        Assert.Equal(["1", "2"], tail.Texts);
        await using var second = await StartAsync(messages);
        await using var there = await second.OpenAsync(_feed, new RecordingTail());
        await there.AppendAsync("3");
        foreach (var each in (IFeedLog[])[log, there])
        {
            Assert.Equal(3, (await each.ReadAsync(0, 100, TestContext.Current.CancellationToken)).Entries.Count);
        }
        Assert.Equal(2, messages.Entries.Count(entry => entry.EventId.Name == "RabbitMQMessageForeign"));
        Assert.DoesNotContain(messages.Entries, entry => entry.EventId.Name == "RabbitMQStreamInterrupted");
    }

    [Fact]
    public async Task An_empty_message_of_another_program_completes_no_feed()
    {
        var messages = new RecordedLog();
        await using var server = await StartAsync(messages);
        var feed = server.Feed(_feed, new FeedOptions());
        var known = await feed.PublishAsync("1");
        var foreign = (NewMessage(1, known.Epoch) with { Floor = known.Offset - 1 }).ToProperties();

        await using var raw = await RawStream.OpenAsync(broker, RabbitMQStreamName.Of(FeedName.Parse(_feed), new RabbitMQStoreOptions()));
        await raw.WriteAsync(With(foreign, "comet-completes", null), default);
        await feed.PublishAsync("2");

        await using var later = await StartAsync(messages);
        var there = later.Feed(_feed, new FeedOptions());
        await there.PublishAsync("3");
        Assert.Equal(["1", "2", "3"], (await there.GetNewestAsync(10)).Messages.Select(message => message.Value));
        Assert.Equal(2, messages.Entries.Count(entry => entry.EventId.Name == "RabbitMQMessageForeign"));
    }

    private RabbitMQMessage NewMessage(long sequence, string epoch) => new()
    {
        Id = new MessageId(7, sequence),
        Epoch = epoch,
        Feed = _feed,
        At = DateTimeOffset.UtcNow,
    };

    private static BasicProperties With(BasicProperties properties, string header, object? value)
    {
        properties.Headers!.Remove(header);
        if (value is not null)
        {
            properties.Headers[header] = value;
        }
        return properties;
    }

    private Task<StoreHost> StartAsync(RecordedLog messages) => StoreHost.StartAsync(builder =>
    {
        builder.Logging.AddProvider(messages);
        builder.AddPatientRabbitMQ(broker.ConnectionString, options => options.RecentBytes = 0);
    });
}
