using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using Comet.AspNetCore.RabbitMQ.Connections;

namespace Comet.AspNetCore.RabbitMQ.Tests.Connections;

public sealed class BatchingStreamTests : IAsyncLifetime
{
    // More than the kernel buffers on both sides of a connection.
    private const int MaxStalled = 1000;

    private readonly Socket _here = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
    private Socket _there = null!;
    private BatchingStream _stream = null!;

    public async ValueTask InitializeAsync()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        await _here.ConnectAsync((IPEndPoint)listener.LocalEndpoint);
        _there = await listener.AcceptSocketAsync();
        _stream = new BatchingStream(_here);
    }

    public async ValueTask DisposeAsync()
    {
        _there.Dispose();
        await _stream.DisposeAsync();
        _here.Dispose();
    }

    [Fact]
    public async Task Bytes_arrive_in_order_however_many_are_written_at_a_time()
    {
        var random = new Random(1);
        var bytes = new byte[8 << 20];
        random.NextBytes(bytes);
        var reading = ReadAsync(bytes.Length);

        for (var written = 0; written < bytes.Length;)
        {
            var most = random.Next(20) == 0 ? 4 * BatchingStream.MaxBatchBytes : 500;
            var count = Math.Min(random.Next(most), bytes.Length - written);
            await _stream.WriteAsync(bytes.AsMemory(written, count));
            written += count;
        }

        Assert.Equal(bytes, await reading.WithPatience());
    }

    [Fact]
    public async Task A_writer_whose_bytes_are_not_taken_waits()
    {
        var (written, waiting) = await StallAsync();

        var bytes = await ReadAsync(written).WithPatience();
        await waiting.WithPatience();

        Assert.Equal(Enumerable.Range(0, written / BatchingStream.MaxBatchBytes), Numbers(bytes));
    }

    [Fact]
    public async Task A_write_after_a_send_that_failed_throws()
    {
        _there.LingerState = new LingerOption(true, 0);
        _there.Close();

        await Eventually.HoldsAsync(
            async () =>
            {
                try
                {
                    await _stream.WriteAsync(new byte[1]);
                    return false;
                }
                catch (IOException)
                {
                    return true;
                }
            },
            "the write fails");
        await Assert.ThrowsAsync<IOException>(() => _stream.WriteAsync(new byte[1]).AsTask());
    }

    [Fact]
    public async Task Disposing_sends_what_was_written()
    {
        await _stream.WriteAsync(new byte[1000]);
        await _stream.DisposeAsync();
        _here.Close();

        Assert.Equal(1000, (await ReadAsync(1000).WithPatience()).Length);
    }

    [Fact]
    public async Task Disposing_does_not_wait_for_a_reader_that_does_not_read()
    {
        await StallAsync();

        await _stream.DisposeAsync().AsTask().WithPatience();
    }

    // Writes numbered batches until one is not taken, as nobody reads; it counts as written.
    private async Task<(int Written, Task Waiting)> StallAsync()
    {
        for (var number = 0; number < MaxStalled; number++)
        {
            var batch = new byte[BatchingStream.MaxBatchBytes];
            BinaryPrimitives.WriteInt32LittleEndian(batch, number);
            var writing = _stream.WriteAsync(batch).AsTask();
            if (await Task.WhenAny(writing, Task.Delay(TimeSpan.FromSeconds(1))) != writing)
            {
                return ((number + 1) * BatchingStream.MaxBatchBytes, writing);
            }
            await writing;
        }
        throw new InvalidOperationException("All was taken, though nobody reads.");
    }

    private static IEnumerable<int> Numbers(byte[] batches) =>
        batches.Chunk(BatchingStream.MaxBatchBytes).Select(batch => BinaryPrimitives.ReadInt32LittleEndian(batch));

    private async Task<byte[]> ReadAsync(int length)
    {
        var bytes = new byte[length];
        for (var read = 0; read < length;)
        {
            var count = await _there.ReceiveAsync(bytes.AsMemory(read));
            Assert.True(count > 0, $"The connection ended after {read} bytes.");
            read += count;
        }
        return bytes;
    }
}
