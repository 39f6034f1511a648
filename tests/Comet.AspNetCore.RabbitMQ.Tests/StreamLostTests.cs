using Comet.AspNetCore.RabbitMQ.Stores;
using Comet.AspNetCore.RabbitMQ.Tests.Hosting;
using Comet.AspNetCore.Stores;
using Comet.TestUtilities.Brokers;
using Comet.TestUtilities.Conformance;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Comet.AspNetCore.RabbitMQ.Tests;

public sealed class StreamLostTests(Broker broker)
{
    private readonly string _feed = Server.NewName();

    [Fact]
    public async Task A_stream_that_is_deleted_begins_anew_and_all_servers_are_told_the_same()
    {
        await using var first = await Server.StartAsync(broker.ConnectionString);
        await using var second = await Server.StartAsync(broker.ConnectionString);
        var (here, there) = (new RecordingTail(), new RecordingTail());
        await using var log = await first.OpenAsync(_feed, here);
        await using var other = await second.OpenAsync(_feed, there);
        var before = await log.AppendAsync("1");
        await there.ReceiveAsync(1);

        await DeleteAsync();
        var after = await log.AppendAsync("2");

        await AreTwiceResetAsync(here, there);
        await there.ReceiveAsync(1);
        Assert.NotEqual(before.Epoch, after.Epoch);
        Assert.All((RecordingTail[])[here, there], tail => Assert.Equal((after.Epoch, "2"), (tail.Epoch, Assert.Single(tail.Texts))));
        Assert.False(await other.ReachAsync(before, TestContext.Current.CancellationToken));
        Assert.Equal(after.Epoch, (await other.ReadAsync(0, 10, TestContext.Current.CancellationToken)).Epoch);
    }

    // With fewer messages than before, the server's offset is beyond the end; with more, another message has that offset.
    [Theory]
    [InlineData(3)]
    [InlineData(300)]
    public async Task A_stream_that_was_replaced_while_a_server_was_disconnected_is_another_log(int messages)
    {
        await using var proxy = broker.NewProxy();
        await using var second = await Server.StartAsync(broker.Through(proxy));
        var there = new RecordingTail();
        await using var other = await second.OpenAsync(_feed, there);
        var before = (await Task.WhenAll(Enumerable.Range(0, 100).Select(number => other.AppendAsync($"{number}"))))[^1];
        proxy.Close();
        await second.BecomesAsync(HealthStatus.Unhealthy);

        await DeleteAsync();
        await using var first = await Server.StartAsync(broker.ConnectionString);
        var here = new RecordingTail();
        await using var log = await first.OpenAsync(_feed, here);
        await Task.WhenAll(Enumerable.Range(1000, messages).Select(number => log.AppendAsync($"{number}")));
        proxy.Open();

        await second.BecomesAsync(HealthStatus.Healthy);
        await log.AppendAsync("9999");
        await there.ReceiveAsync(messages + 1);
        Assert.Equal(2, there.Resets);
        Assert.Equal(here.Epoch, there.Epoch);
        Assert.NotEqual(before.Epoch, there.Epoch);
        Assert.Equal(here.Entries.ConvertAll(entry => entry.Offset), there.Entries.ConvertAll(entry => entry.Offset));
        Assert.Equal(1, here.Resets);
    }

    [Fact]
    [Trait("Category", "Matrix")]
    public async Task A_stream_that_lost_its_end_is_another_log()
    {
        broker.SkipIfNamed();
        await using var own = await ScratchBroker.StartAsync();
        await using var server = await Server.StartAsync(own.Node.ConnectionString);
        var tail = new RecordingTail();
        await using var log = await server.OpenAsync(_feed, tail);
        await log.AppendAsync("1");

        // As after a power cut: what was written since the copy is lost.
        await own.Node.StopAsync();
        var copy = own.Node.DataDirectory + "-copy";
        Copy(own.Node.DataDirectory, copy);
        await own.Node.StartAsync();
        await server.BecomesAsync(HealthStatus.Healthy);
        for (var number = 2; number < 12; number++)
        {
            await log.AppendAsync($"{number}");
        }
        Assert.Equal(1, tail.Resets);
        var before = tail.Epoch;
        await own.Node.StopAsync();
        Directory.Delete(own.Node.DataDirectory, recursive: true);
        Directory.Move(copy, own.Node.DataDirectory);
        await own.Node.StartAsync();

        await server.BecomesAsync(HealthStatus.Healthy);
        var next = await log.AppendAsync("12");
        Assert.Equal(["12"], tail.Texts);
        Assert.Equal(2, tail.Resets);
        Assert.NotEqual(before, next.Epoch);

        // A server that joins now comes to the same log.
        await using var other = await Server.StartAsync(own.Node.ConnectionString, options => options.RecentBytes = 0);
        await using var late = await other.OpenAsync(_feed, new RecordingTail());
        var page = await late.ReadAsync(0, 100, TestContext.Current.CancellationToken);
        Assert.Equal((next.Epoch, next.Offset), (page.Epoch, Assert.Single(page.Entries).Offset));
    }

    private static async Task AreTwiceResetAsync(params RecordingTail[] tails)
    {
        using var deadline = new CancellationTokenSource(Eventually.Patience);
        while (tails.Any(tail => tail.Resets < 2))
        {
            Assert.False(deadline.IsCancellationRequested, $"Resets: {string.Join(' ', tails.Select(tail => tail.Resets))}");
            await Task.Delay(20, CancellationToken.None);
        }
    }

    private async Task DeleteAsync()
    {
        await using var raw = await RawStream.OpenAsync(broker, RabbitMQStreamName.Of(FeedName.Parse(_feed), new RabbitMQStoreOptions()));
        await raw.DeleteAsync();
    }

    private static void Copy(string from, string to)
    {
        foreach (var directory in Directory.GetDirectories(from, "*", SearchOption.AllDirectories).Prepend(from))
        {
            Directory.CreateDirectory(directory.Replace(from, to, StringComparison.Ordinal));
        }
        foreach (var file in Directory.GetFiles(from, "*", SearchOption.AllDirectories))
        {
            File.Copy(file, file.Replace(from, to, StringComparison.Ordinal));
        }
    }
}
