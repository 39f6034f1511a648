using System.Net.Sockets;
using System.Text;
using Comet.AspNetCore.Tests.Hosting;

namespace Comet.AspNetCore.Tests.Feeds;

/// <summary>An app whose code blocks all threads of the pool. Runs alone, as the pool is the process's.</summary>
[Collection(nameof(Alone))]
public class BlockedThreadPoolTests
{
    private const int Blocked = 256; // the pool starts one or two more threads in a second

    [Theory]
    [InlineData("Direct")]
    [InlineData("Attached")]
    public async Task Messages_reach_open_streams_all_the_same(string wire)
    {
        await using var app = await NewsApp.StartAsync(Enum.Parse<Wire>(wire));
        using var client = new TcpClient(app.Url.Host, app.Url.Port) { ReceiveTimeout = (int)Eventually.Patience.TotalMilliseconds };
        client.Client.Send(Encoding.ASCII.GetBytes($"GET / HTTP/1.1\r\nHost: {app.Url.Authority}\r\n\r\n"));
        ReadUntil("open");
        await app.PublishAsync("before");
        ReadUntil("before");
        await Task.Delay(100, TestContext.Current.CancellationToken); // so that the pass that wrote it has ended
        var end = new ManualResetEventSlim(); // not disposed of: some may begin to wait after it
        var hasRun = false;
        for (var i = 0; i < Blocked; i++)
        {
            ThreadPool.UnsafeQueueUserWorkItem(_ => end.Wait(), null);
        }
        ThreadPool.UnsafeQueueUserWorkItem(_ => hasRun = true, null);

        try
        {
            Assert.True(app.News().PublishAsync("meanwhile").IsCompletedSuccessfully);
            ReadUntil("meanwhile");

            Assert.False(hasRun);
        }
        finally
        {
            end.Set();
        }

        void ReadUntil(string text)
        {
            var (read, buffer) = (new StringBuilder(), new byte[4096]);
            while (!read.ToString().Contains(text, StringComparison.Ordinal))
            {
                var count = client.Client.Receive(buffer);
                Assert.NotEqual(0, count);
                read.Append(Encoding.UTF8.GetString(buffer, 0, count));
            }
        }
    }
}
