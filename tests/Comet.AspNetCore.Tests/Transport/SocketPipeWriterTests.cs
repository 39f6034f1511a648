using System.Buffers;
using System.IO.Pipelines;
using System.Net.Sockets;
using System.Text;
using Comet.AspNetCore.Tests.Hosting;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http;

namespace Comet.AspNetCore.Tests.Transport;

/// <summary>The connection's output behaves as Kestrel's own, the portable one, to whatever else the app serves.</summary>
public class SocketPipeWriterTests
{
    private const int Large = 8_000_000; // more than the system keeps for a connection

    public static TheoryData<string> Wires => ["Direct", "Attached", "Portable"];

    [Theory, MemberData(nameof(Wires))]
    public Task What_was_flushed_leaves_though_the_wait_is_cancelled(string wire) => ServeAsync(wire, async (connection, read) =>
    {
        var output = connection.Transport.Output;
        Write(output, 'a', Large);
        var flushing = output.FlushAsync();
        Assert.False(flushing.IsCompleted);

        output.CancelPendingFlush();

        Assert.True((await flushing).IsCanceled);
        read();
        Assert.True((await connection.Transport.Input.ReadAsync()).IsCompleted); // the client has all, and ends its side
        return new string('a', Large);
    });

    [Theory, MemberData(nameof(Wires))]
    public Task A_wait_whose_token_is_cancelled_loses_nothing(string wire) => ServeAsync(wire, async (connection, read) =>
    {
        var output = connection.Transport.Output;
        using var cancel = new CancellationTokenSource();
        Write(output, 'a', Large);
        var flushing = output.FlushAsync(cancel.Token);
        Assert.False(flushing.IsCompleted);

        await cancel.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => flushing.AsTask());
        read();
        Write(output, 'b', 1);
        Assert.False((await output.FlushAsync()).IsCanceled);
        return new string('a', Large) + "b";
    });

    [Theory, MemberData(nameof(Wires))]
    public Task Where_none_waits_the_next_flush_is_cancelled_and_sends_all_the_same(string wire) =>
        ServeAsync(wire, async (connection, read) =>
        {
            var output = connection.Transport.Output;
            read();
            output.CancelPendingFlush();
            Write(output, 'a', 1);
            Assert.True((await output.FlushAsync()).IsCanceled);
            Write(output, 'b', 1);
            Assert.False((await output.FlushAsync()).IsCanceled);
            return "ab";
        });

    [Theory, MemberData(nameof(Wires))]
    public Task Cancelling_may_meet_the_end_of_a_flush(string wire) => ServeAsync(wire, async (connection, read) =>
    {
        const int Flushes = 500;
        var output = connection.Transport.Output;
        read();
        var hasEnded = false;
        var canceling = Task.Run(() =>
        {
            while (!Volatile.Read(ref hasEnded))
            {
                output.CancelPendingFlush();
                Thread.SpinWait(Random.Shared.Next(2000));
            }
        });
        for (var i = 0; i < Flushes; i++)
        {
            Write(output, 'a', 100_000);
            await output.FlushAsync();
        }
        Volatile.Write(ref hasEnded, true);
        await canceling;
        return new string('a', Flushes * 100_000);
    });

    [Theory, MemberData(nameof(Wires))]
    public Task A_handler_may_return_while_a_flush_waits(string wire) => ServeAsync(wire, (connection, read) =>
    {
        var output = connection.Transport.Output;
        Write(output, 'a', Large);
        Assert.False(output.FlushAsync().IsCompleted);
        read();
        return Task.FromResult(new string('a', Large));
    });

    [Theory, MemberData(nameof(Wires))]
    public Task What_is_written_while_a_flush_waits_follows(string wire) => ServeAsync(wire, async (connection, read) =>
    {
        var output = connection.Transport.Output;
        Write(output, 'a', Large);
        var flushing = output.FlushAsync();
        Assert.False(flushing.IsCompleted);
        var memory = output.GetMemory(10);
        read();
        await flushing;
        memory.Span[0] = (byte)'b';
        output.Advance(1);
        await output.FlushAsync();
        return new string('a', Large) + "b";
    });

    [Theory, MemberData(nameof(Wires))]
    public async Task A_response_arrives_whole_though_its_flush_is_cancelled(string wire)
    {
        var canceled = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var app = await TestApp.StartAsync(
            app => app.MapGet("/", async context =>
            {
                context.Response.ContentLength = Large;
                Write(context.Response.BodyWriter, 'a', Large);
                var flushing = context.Response.BodyWriter.FlushAsync();
                context.Response.BodyWriter.CancelPendingFlush();
                await flushing;
                canceled.SetResult();
            }),
            wire: Enum.Parse<Wire>(wire));
        using var response = await app.Client.GetAsync("/", HttpCompletionOption.ResponseHeadersRead).WithPatience();
        await canceled.Task.WithPatience();

        Assert.Equal(Large, (await response.Content.ReadAsByteArrayAsync().WithPatience()).Length);
    }

    /// <summary>Serves a client by a connection without HTTP, and asserts what it has received at the end.</summary>
    /// <param name="wire">What lies in between.</param>
    /// <param name="write">
    /// Writes to the client, which begins to read when the second argument is called, and ends its side when it has so much as a large
    /// message. Returns all that it wrote.
    /// </param>
    private static async Task ServeAsync(string wire, Func<ConnectionContext, Action, Task<string>> write)
    {
        var reading = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var writing = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var app = await TestApp.StartAsync(
            static _ => { },
            wire: Enum.Parse<Wire>(wire),
            connections: listen => listen.Run(async connection =>
            {
                try
                {
                    writing.SetResult(await write(connection, () => reading.TrySetResult()));
                }
                catch (Exception exception)
                {
                    writing.SetException(exception);
                    reading.TrySetResult();
                }
            }));
        using var client = new TcpClient(app.Url.Host, app.Url.Port);
        var stream = client.GetStream();
        await reading.Task.WithPatience();
        var received = new StringBuilder();
        var buffer = new byte[1 << 16];
        for (int read; (read = await stream.ReadAsync(buffer).AsTask().WithPatience()) > 0;)
        {
            received.Append(Encoding.ASCII.GetString(buffer, 0, read));
            if (received.Length == Large)
            {
                client.Client.Shutdown(SocketShutdown.Send);
            }
        }

        var written = await writing.Task.WithPatience();
        Assert.Equal(written.Length, received.Length);
        Assert.Equal(written, received.ToString());
    }

    private static void Write(PipeWriter output, char text, int count)
    {
        var bytes = new byte[count];
        bytes.AsSpan().Fill((byte)text);
        output.Write(bytes);
    }
}
