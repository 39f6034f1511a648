using System.Buffers;
using System.Text;
using Comet.AspNetCore.Formats;

namespace Comet.AspNetCore.Tests.Formats;

/// <summary>What many connections are sent from one encoding, each with its own nonce.</summary>
public class FrameBufferTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(24)]
    [InlineData(25)]
    [InlineData(1000)]
    public void Pieces_of_a_shared_frame_have_the_nonce_of_their_connection(int length)
    {
        using var buffer = new FrameBuffer();
        for (var i = 0; i < 5; i++)
        {
            buffer.Write(Encoding.ASCII.GetBytes(new string((char)('a' + i), 10 * i)));
            buffer.WriteNoncePlaceholder();
        }
        var (first, second) = (Nonce.Create(), Nonce.Create());
        buffer.WriteNonce(first);
        var frame = buffer.Share();
        Assert.Equal(buffer.Chunk, Pieces(first));
        buffer.WriteNonce(second);

        Assert.Equal(buffer.Chunk, Pieces(second));
        Assert.Same(frame, buffer.Share());

        using var again = new FrameBuffer();
        again.Load(frame);
        again.WriteNonce(second);
        Assert.Equal(buffer.Chunk, again.Chunk);
        Assert.Same(frame, again.Share());

        ReadOnlySpan<byte> Pieces(Nonce nonce)
        {
            var pieces = new byte[frame.Length];
            for (var from = 0; from < frame.Length; from += length)
            {
                frame.CopyTo(pieces.AsSpan(from, Math.Min(length, frame.Length - from)), from, nonce);
            }
            return pieces;
        }
    }

    [Theory]
    [InlineData(2)]
    [InlineData(2000)]
    [InlineData(20_000)]
    public void A_new_buffer_takes_a_frame_of_any_length(int distance)
    {
        using var buffer = new FrameBuffer();
        for (var i = 0; i < 3; i++)
        {
            buffer.Write(Enumerable.Repeat((byte)'x', distance).ToArray());
            buffer.WriteNoncePlaceholder();
        }
        var nonce = Nonce.Create();
        buffer.WriteNonce(nonce);

        using var other = new FrameBuffer();
        other.Load(buffer.Share());
        other.WriteNonce(nonce);

        Assert.Equal(buffer.Content, other.Content);
    }
}
