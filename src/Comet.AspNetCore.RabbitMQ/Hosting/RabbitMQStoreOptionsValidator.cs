using System.Security.Cryptography;
using Comet.AspNetCore.RabbitMQ.Connections;
using Microsoft.Extensions.Options;

namespace Comet.AspNetCore.RabbitMQ.Hosting;

internal sealed class RabbitMQStoreOptionsValidator : IValidateOptions<RabbitMQStoreOptions>
{
    public ValidateOptionsResult Validate(string? name, RabbitMQStoreOptions options)
    {
        var errors = new List<string>();
        if (RabbitMQAddress.FindFault(options.ConnectionString) is { } fault)
        {
            errors.Add(fault);
        }
        if (options.CertificateAuthority is { } file && FindFault(file) is { } unreadable)
        {
            errors.Add($"Comet:RabbitMQ:CertificateAuthority names a file {unreadable}. It must be a PEM file with a certificate.");
        }
        if (options.Prefix.Length is 0 or > 64 || !options.Prefix.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '-' or '_'))
        {
            errors.Add($"Comet:RabbitMQ:Prefix is \"{options.Prefix}\"; it must be 1 to 64 letters, digits, dots, dashes and underscores.");
        }
        if (options.Partitions is < 1 or > 1024)
        {
            errors.Add($"Comet:RabbitMQ:Partitions is {options.Partitions}; it must be 1 to 1024.");
        }
        if (options.PartitionBytes is < 1 << 20 or > 1L << 40)
        {
            errors.Add($"Comet:RabbitMQ:PartitionBytes is {options.PartitionBytes}; it must be 1 MiB to 1 TiB.");
        }
        if (options.RecentBytes is < 0 or > 1L << 32)
        {
            errors.Add($"Comet:RabbitMQ:RecentBytes is {options.RecentBytes}; it must be 0 bytes to 4 GiB.");
        }
        if (options.Timeout < TimeSpan.FromMilliseconds(100) || options.Timeout > TimeSpan.FromMinutes(5))
        {
            errors.Add($"Comet:RabbitMQ:Timeout is {options.Timeout}; it must be 00:00:00.1 to 00:05:00.");
        }
        if (options.Heartbeat < TimeSpan.FromSeconds(1) || options.Heartbeat > TimeSpan.FromSeconds(60))
        {
            errors.Add($"Comet:RabbitMQ:Heartbeat is {options.Heartbeat}; it must be 00:00:01 to 00:01:00.");
        }
        return errors.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(errors);
    }

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
