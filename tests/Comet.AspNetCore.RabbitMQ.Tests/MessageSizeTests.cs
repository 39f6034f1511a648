using Comet.AspNetCore.RabbitMQ.Tests.Hosting;
using Comet.AspNetCore.Stores;
using Comet.TestUtilities.Brokers;
using Comet.TestUtilities.Conformance;
using Microsoft.Extensions.Logging;

namespace Comet.AspNetCore.RabbitMQ.Tests;

/// <summary>Messages that RabbitMQ, or its client, does not take.</summary>
public sealed class MessageSizeTests(Broker broker)
{
    private const int Limit = 65_536;

    private readonly string _feed = Server.NewName();

    [Fact]
    [Trait("Category", "Matrix")]
    public async Task A_message_above_the_limit_of_the_broker_fails_by_itself()
    {
        broker.SkipIfNamed();
        await using var own = await ScratchBroker.StartAsync($"max_message_size = {Limit}");
        var messages = new RecordedLog();
        await using var server = await StoreHost.StartAsync(builder =>
        {
            builder.Logging.AddProvider(messages);
            builder.AddPatientRabbitMQ(own.Node.ConnectionString);
        });
        var tail = new RecordingTail();
        await using var log = await server.OpenAsync(_feed, tail);

        var before = Payloads.Numbers(0, 20).Select(log.AppendAsync).ToList();
        var tooLarge = Enumerable.Range(1, 3).Select(more => log.AppendAsync(OfLength(Limit + more))).ToList();
        var after = Payloads.Numbers(20, 20).Select(log.AppendAsync).ToList();

        for (var index = 0; index < tooLarge.Count; index++)
        {
            await RefusesAsync(tooLarge[index], Limit + 1 + index);
        }
        await Task.WhenAll([.. before, .. after]);
        await log.AppendAsync(OfLength(Limit));
        await RefusesAsync(log.AppendAsync(OfLength(Limit + 1)), Limit + 1);
        await tail.ReceiveAsync(41);
        Assert.Equal([.. Payloads.Numbers(0, 40), OfLength(Limit)], tail.Texts);
        Assert.Equal(1, tail.Resets);
        Assert.Single(messages.Lines, line => line.Contains("refused a message", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_message_that_servers_could_not_read_back_is_not_sent()
    {
        const int Most = 128 << 20;
        await using var server = await Server.StartAsync(broker.ConnectionString);
        await using var log = await server.OpenAsync(_feed, new RecordingTail());

        var exception = await Assert.ThrowsAsync<ArgumentException>(
            () => log.AppendAsync(new byte[Most + 1], TestContext.Current.CancellationToken).AsTask());

        Assert.Contains($"{Most + 1}", exception.Message, StringComparison.Ordinal);
        Assert.Contains($"{Most}", exception.Message, StringComparison.Ordinal);
        await log.AppendAsync("1");
    }

    // By default the client closes the connection when it receives more than 64 MiB.
    [Fact]
    public async Task A_message_that_the_broker_takes_is_read_back()
    {
        broker.SkipIfNamed();
        await using var server = await Server.StartAsync(broker.ConnectionString);
        var tail = new RecordingTail();
        await using var log = await server.OpenAsync(_feed, tail);
        var large = new byte[65 << 20];
        Array.Fill(large, (byte)'1');

        await log.AppendAsync(large, TestContext.Current.CancellationToken);

        var received = (await tail.ReceiveAsync(1))[0].Payload;
        Assert.True(large.AsSpan().SequenceEqual(received.Span));
    }

    private static string OfLength(int bytes) => $"\"{new string('x', bytes - 2)}\"";

    private static async Task RefusesAsync(Task appending, int size)
    {
        var exception = await Assert.ThrowsAsync<ArgumentException>(() => appending);
        Assert.Contains($"{size} bytes", exception.Message, StringComparison.Ordinal);
        Assert.Contains($"{Limit}", exception.Message, StringComparison.Ordinal);
    }
}
