using System.Security.Cryptography;
using Comet.AspNetCore.RabbitMQ.Connections;
using Microsoft.Extensions.Options;

namespace Comet.AspNetCore.RabbitMQ.Hosting;

internal sealed class RabbitMQStoreOptionsValidator : IValidateOptions<RabbitMQStoreOptions>
{
    public ValidateOptionsResult Validate(string? name, RabbitMQStoreOptions options)
    {
        string?[] faults =
        [
            RabbitMQAddress.FindFault(options.ConnectionString),
            options.CertificateAuthority is { } file && FindFault(file) is { } fault
                ? $"Comet:RabbitMQ:CertificateAuthority names a file {fault}. It must be a PEM file with a certificate."
                : null,
            IsPrefix(options.Prefix) ? null
                : $"Comet:RabbitMQ:Prefix is \"{options.Prefix}\"; it must be 1 to 64 letters, digits, dots, dashes and underscores.",
            RabbitMQStoreOptions.PartitionsRange.FindFault("Comet:RabbitMQ:Partitions", options.Partitions),
            RabbitMQStoreOptions.PartitionBytesRange.FindFault("Comet:RabbitMQ:PartitionBytes", options.PartitionBytes),
            RabbitMQStoreOptions.RecentBytesRange.FindFault("Comet:RabbitMQ:RecentBytes", options.RecentBytes),
            RabbitMQStoreOptions.TimeoutRange.FindFault("Comet:RabbitMQ:Timeout", options.Timeout),
            RabbitMQStoreOptions.HeartbeatRange.FindFault("Comet:RabbitMQ:Heartbeat", options.Heartbeat),
        ];
        return faults.OfType<string>().ToList() is { Count: > 0 } found ? ValidateOptionsResult.Fail(found) : ValidateOptionsResult.Success;
    }

    private static bool IsPrefix(string text) =>
        text.Length is > 0 and <= 64 && text.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '-' or '_');

    private static string? FindFault(string certificateAuthority)
    {
        if (!File.Exists(certificateAuthority))
        {
            return "that does not exist";
        }
        try
        {
            return RabbitMQAddress.ReadAuthorities(certificateAuthority).Count == 0 ? "that holds no certificate in PEM" : null;
        }
        catch (Exception exception) when (exception is CryptographicException or IOException or UnauthorizedAccessException)
        {
            return $"that cannot be read ({exception.Message.TrimEnd('.')})";
        }
    }
}
